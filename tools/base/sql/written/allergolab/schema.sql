CREATE TABLE Practice (
  PracticeId INTEGER PRIMARY KEY,
  PracticeName VARCHAR NOT NULL,
  Town VARCHAR NOT NULL,
  Discount DOUBLE -- percent
);
CREATE TABLE Allergen (
  AllergenId INTEGER PRIMARY KEY,
  CommonName VARCHAR NOT NULL,
  AllergenGroup VARCHAR NOT NULL,
  Seasonal BOOLEAN NOT NULL,
  ReagentPrice DECIMAL(10, 2) NOT NULL -- CHF per test
);
CREATE TABLE LabTech (
  TechId INTEGER PRIMARY KEY,
  TechName VARCHAR NOT NULL,
  Shift VARCHAR NOT NULL,
  SupervisorId INTEGER REFERENCES LabTech (TechId)
);
CREATE TABLE Sample (
  SampleId INTEGER PRIMARY KEY,
  Barcode VARCHAR NOT NULL,
  PracticeId INTEGER NOT NULL REFERENCES Practice (PracticeId),
  PatientInitials VARCHAR NOT NULL,
  PatientAge INTEGER,
  Material VARCHAR NOT NULL,
  CollectedOn DATE NOT NULL,
  ReceivedAt TIMESTAMP NOT NULL,
  Urgent BOOLEAN NOT NULL,
  Rejected BOOLEAN NOT NULL
);
CREATE TABLE TestResult (
  ResultId INTEGER PRIMARY KEY,
  SampleId INTEGER NOT NULL REFERENCES Sample (SampleId),
  AllergenId INTEGER NOT NULL REFERENCES Allergen (AllergenId),
  RunBy INTEGER REFERENCES LabTech (TechId),
  CheckedBy INTEGER REFERENCES LabTech (TechId), -- second pair of eyes
  IgE DOUBLE, -- kU per litre
  ReactionClass INTEGER, -- 0 none to 6 extreme
  FinishedAt TIMESTAMP -- empty while running
);
