CREATE TABLE Outlet (
  OutletID INTEGER PRIMARY KEY,
  OutletName VARCHAR NOT NULL,
  Medium VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  TrustScore DOUBLE -- 0 to 100
);
CREATE TABLE Speaker (
  SpeakerID INTEGER PRIMARY KEY,
  FullName VARCHAR NOT NULL,
  Party VARCHAR, -- empty for people outside politics
  Role VARCHAR NOT NULL
);
CREATE TABLE Checker (
  CheckerID INTEGER PRIMARY KEY,
  CheckerName VARCHAR NOT NULL,
  LeadID INTEGER REFERENCES Checker (CheckerID),
  HiredOn DATE NOT NULL,
  Freelance BOOLEAN NOT NULL
);
CREATE TABLE Claim (
  ClaimID INTEGER PRIMARY KEY,
  Headline VARCHAR NOT NULL,
  Topic VARCHAR NOT NULL,
  SpeakerID INTEGER REFERENCES Speaker (SpeakerID),
  OutletID INTEGER NOT NULL REFERENCES Outlet (OutletID),
  MadeOn DATE NOT NULL,
  Shares INTEGER NOT NULL
);
CREATE TABLE Verdict (
  VerdictID INTEGER PRIMARY KEY,
  ClaimID INTEGER NOT NULL REFERENCES Claim (ClaimID),
  CheckerID INTEGER NOT NULL REFERENCES Checker (CheckerID),
  Rating VARCHAR NOT NULL,
  HoursSpent DOUBLE NOT NULL,
  PublishedAt TIMESTAMP, -- empty while in review
  Corrected BOOLEAN NOT NULL -- whether the outlet took it back
);
