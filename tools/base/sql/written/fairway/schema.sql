CREATE TABLE GolfMembers (
  MemberID INTEGER PRIMARY KEY,
  Surname VARCHAR NOT NULL,
  GivenName VARCHAR NOT NULL,
  Hcp DOUBLE, -- handicap, empty for beginners
  MemCategory VARCHAR NOT NULL,
  JoinDate DATE NOT NULL,
  AnnualDues DECIMAL(10, 2) NOT NULL, -- GBP
  LockerNo INTEGER,
  SponsorID INTEGER REFERENCES GolfMembers (MemberID)
);
CREATE TABLE Holes (
  HoleNo INTEGER PRIMARY KEY,
  Nickname VARCHAR NOT NULL,
  Par INTEGER NOT NULL,
  Yards INTEGER NOT NULL,
  StrokeIndex INTEGER NOT NULL, -- 1 is the hardest
  Water BOOLEAN NOT NULL,
  Bunkers INTEGER NOT NULL
);
CREATE TABLE Comps (
  CompID INTEGER PRIMARY KEY,
  CompName VARCHAR NOT NULL,
  PlayFormat VARCHAR NOT NULL,
  CompDate DATE NOT NULL,
  EntryFee DECIMAL(10, 2) NOT NULL, -- GBP
  GuestsAllowed BOOLEAN NOT NULL
);
CREATE TABLE Rounds (
  RoundID INTEGER PRIMARY KEY,
  MemberID INTEGER NOT NULL REFERENCES GolfMembers (MemberID),
  CompID INTEGER REFERENCES Comps (CompID), -- empty for casual rounds
  TeeTime TIMESTAMP NOT NULL,
  GrossScore INTEGER, -- strokes, empty if not returned
  HolesPlayed INTEGER NOT NULL,
  Buggy BOOLEAN NOT NULL,
  TeeColour VARCHAR NOT NULL
);
CREATE TABLE Pros (
  ProID INTEGER PRIMARY KEY,
  ProName VARCHAR NOT NULL,
  Hourly DECIMAL(10, 2) NOT NULL, -- GBP
  LeftHanded BOOLEAN NOT NULL
);
CREATE TABLE Lessons (
  LessonID INTEGER PRIMARY KEY,
  ProID INTEGER NOT NULL REFERENCES Pros (ProID),
  MemberID INTEGER NOT NULL REFERENCES GolfMembers (MemberID),
  LessonAt TIMESTAMP NOT NULL,
  Mins INTEGER NOT NULL,
  Focus VARCHAR,
  Settled BOOLEAN NOT NULL -- paid
);
