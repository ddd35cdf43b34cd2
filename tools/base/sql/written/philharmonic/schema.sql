CREATE TABLE section (
  sectionId INTEGER PRIMARY KEY,
  sectionName VARCHAR NOT NULL,
  family VARCHAR NOT NULL
);
CREATE TABLE musician (
  musicianId INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  sectionId INTEGER NOT NULL REFERENCES section (sectionId),
  birthYear INTEGER NOT NULL,
  joinedOn DATE NOT NULL,
  retiredOn DATE,
  chairRank INTEGER NOT NULL, -- 1 is the principal
  partTime BOOLEAN NOT NULL
);
CREATE TABLE instrument (
  instrumentId INTEGER PRIMARY KEY,
  kind VARCHAR NOT NULL,
  maker VARCHAR,
  builtYear INTEGER,
  insuredValue DECIMAL(10, 2) NOT NULL, -- EUR
  lentTo INTEGER REFERENCES musician (musicianId) -- empty when in the store
);
CREATE TABLE work (
  workId INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  composer VARCHAR NOT NULL,
  lengthMinutes INTEGER NOT NULL,
  era VARCHAR NOT NULL,
  needsChoir BOOLEAN NOT NULL
);
CREATE TABLE concert (
  concertId INTEGER PRIMARY KEY,
  concertDate DATE NOT NULL,
  hall VARCHAR NOT NULL,
  conductor VARCHAR NOT NULL,
  onTour BOOLEAN NOT NULL,
  audience INTEGER, -- people, empty before the concert
  boxOffice DOUBLE -- EUR
);
CREATE TABLE programmeItem (
  concertId INTEGER NOT NULL REFERENCES concert (concertId),
  workId INTEGER NOT NULL REFERENCES work (workId),
  position INTEGER NOT NULL,
  soloist INTEGER REFERENCES musician (musicianId),
  PRIMARY KEY (concertId, workId)
);
CREATE TABLE absence (
  absenceId INTEGER PRIMARY KEY,
  musicianId INTEGER NOT NULL REFERENCES musician (musicianId),
  reason VARCHAR NOT NULL,
  firstDay DATE NOT NULL,
  lastDay DATE
);
