CREATE TABLE tblComposer (
  composerNo INTEGER PRIMARY KEY,
  composerName VARCHAR NOT NULL,
  epoch VARCHAR NOT NULL,
  birthYear INTEGER,
  deathYear INTEGER,
  homeland VARCHAR
);
CREATE TABLE tblPublisher (
  publisherNo INTEGER PRIMARY KEY,
  publisherName VARCHAR NOT NULL,
  seat VARCHAR NOT NULL, -- city
  discountPct INTEGER
);
CREATE TABLE tblScore (
  scoreNo INTEGER PRIMARY KEY,
  pieceTitle VARCHAR NOT NULL,
  composerNo INTEGER REFERENCES tblComposer (composerNo),
  arrangerNo INTEGER REFERENCES tblComposer (composerNo), -- empty for originals
  publisherNo INTEGER NOT NULL REFERENCES tblPublisher (publisherNo),
  scoring VARCHAR NOT NULL, -- for whom it is written
  difficulty INTEGER NOT NULL, -- 1 easy to 6 very hard
  minutes DOUBLE,
  parts INTEGER NOT NULL, -- sheets in the set
  price DECIMAL(10, 2) NOT NULL,
  boughtOn DATE,
  shelf VARCHAR NOT NULL,
  digital BOOLEAN NOT NULL
);
CREATE TABLE tblReader (
  readerNo INTEGER PRIMARY KEY,
  readerName VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  instrument VARCHAR,
  joinedOn DATE NOT NULL,
  blocked BOOLEAN NOT NULL
);
CREATE TABLE tblLoan (
  loanNo INTEGER PRIMARY KEY,
  scoreNo INTEGER NOT NULL REFERENCES tblScore (scoreNo),
  readerNo INTEGER NOT NULL REFERENCES tblReader (readerNo),
  takenAt TIMESTAMP NOT NULL,
  dueOn DATE NOT NULL,
  returnedOn DATE,
  fine DECIMAL(10, 2) NOT NULL,
  missingParts INTEGER NOT NULL
);
