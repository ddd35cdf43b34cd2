CREATE TABLE School (
  Id INTEGER PRIMARY KEY,
  SchoolName VARCHAR NOT NULL,
  District VARCHAR NOT NULL,
  IsPublic BOOLEAN NOT NULL
);
CREATE TABLE Pupil (
  Id INTEGER PRIMARY KEY,
  PupilName VARCHAR NOT NULL,
  SchoolId INTEGER NOT NULL REFERENCES School (Id),
  Form INTEGER NOT NULL, -- school year 5 to 12
  Age INTEGER NOT NULL
);
CREATE TABLE Project (
  Id INTEGER PRIMARY KEY,
  Topic VARCHAR NOT NULL,
  Category VARCHAR NOT NULL,
  LeadPupilId INTEGER NOT NULL REFERENCES Pupil (Id),
  PartnerPupilId INTEGER REFERENCES Pupil (Id), -- empty for solo work
  SubmittedAt TIMESTAMP NOT NULL,
  Budget DECIMAL(10,2), -- GBP
  NeedsPower BOOLEAN NOT NULL,
  BoothNo INTEGER
);
CREATE TABLE Judge (
  Id INTEGER PRIMARY KEY,
  JudgeName VARCHAR NOT NULL,
  Affiliation VARCHAR NOT NULL,
  Speciality VARCHAR NOT NULL,
  FirstYear INTEGER NOT NULL -- year of the first fair judged
);
CREATE TABLE Score (
  Id INTEGER PRIMARY KEY,
  ProjectId INTEGER NOT NULL REFERENCES Project (Id),
  JudgeId INTEGER NOT NULL REFERENCES Judge (Id),
  Originality INTEGER NOT NULL, -- 0 to 10
  Rigor INTEGER NOT NULL, -- 0 to 10
  Presentation INTEGER NOT NULL, -- 0 to 10
  Remark VARCHAR
);
CREATE TABLE Prize (
  Id INTEGER PRIMARY KEY,
  PrizeName VARCHAR NOT NULL,
  ProjectId INTEGER REFERENCES Project (Id), -- empty until awarded
  Amount DECIMAL(10,2) NOT NULL, -- GBP
  Sponsor VARCHAR NOT NULL
);
