CREATE TABLE Singers (
  SingerID INTEGER PRIMARY KEY,
  SingerName VARCHAR NOT NULL,
  Voice VARCHAR NOT NULL,
  BirthYear INTEGER,
  JoinedOn DATE NOT NULL,
  LeftOn DATE, -- empty while still a member
  ReadsMusic BOOLEAN NOT NULL,
  Mentor INTEGER REFERENCES Singers (SingerID)
);
CREATE TABLE Pieces (
  PieceID INTEGER PRIMARY KEY,
  Title VARCHAR NOT NULL,
  Composer VARCHAR, -- empty for traditional tunes
  Language VARCHAR NOT NULL,
  Epoch VARCHAR NOT NULL,
  Minutes DOUBLE NOT NULL,
  Difficulty INTEGER NOT NULL, -- 1 easy to 5 hard
  ACappella BOOLEAN NOT NULL
);
CREATE TABLE Rehearsals (
  RehearsalID INTEGER PRIMARY KEY,
  StartsAt TIMESTAMP NOT NULL,
  Room VARCHAR NOT NULL,
  Kind VARCHAR NOT NULL,
  CalledOff BOOLEAN NOT NULL
);
CREATE TABLE Presence (
  RehearsalID INTEGER NOT NULL REFERENCES Rehearsals (RehearsalID),
  SingerID INTEGER NOT NULL REFERENCES Singers (SingerID),
  Status VARCHAR NOT NULL,
  PRIMARY KEY (RehearsalID, SingerID)
);
CREATE TABLE Concerts (
  ConcertID INTEGER PRIMARY KEY,
  Heading VARCHAR NOT NULL,
  Venue VARCHAR NOT NULL,
  HeldOn DATE NOT NULL,
  TicketPrice DECIMAL(10,2) NOT NULL, -- EUR
  Visitors INTEGER, -- empty until it is over
  Recorded BOOLEAN NOT NULL
);
CREATE TABLE Programme (
  ConcertID INTEGER NOT NULL REFERENCES Concerts (ConcertID),
  PieceID INTEGER NOT NULL REFERENCES Pieces (PieceID),
  Position INTEGER NOT NULL,
  Soloist INTEGER REFERENCES Singers (SingerID),
  Encore BOOLEAN NOT NULL,
  PRIMARY KEY (ConcertID, PieceID)
);
