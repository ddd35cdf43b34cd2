CREATE TABLE Instructor (
  InstructorID INTEGER PRIMARY KEY,
  Name VARCHAR NOT NULL,
  BranchCity VARCHAR NOT NULL,
  LicensedSince DATE NOT NULL,
  SpeaksArabic BOOLEAN NOT NULL,
  MentorID INTEGER REFERENCES Instructor (InstructorID)
);
CREATE TABLE Car (
  CarID INTEGER PRIMARY KEY,
  Plate VARCHAR NOT NULL,
  Model VARCHAR NOT NULL,
  Gearbox VARCHAR NOT NULL,
  Fuel VARCHAR NOT NULL,
  OdometerKm INTEGER NOT NULL,
  NextInspection DATE
);
CREATE TABLE Learner (
  LearnerID INTEGER PRIMARY KEY,
  Name VARCHAR NOT NULL,
  BirthDate DATE NOT NULL,
  LicenceClass VARCHAR NOT NULL,
  RegisteredOn DATE NOT NULL,
  TheoryPassedOn DATE, -- empty until the theory test is passed
  BalanceDue DECIMAL(10,2) NOT NULL -- EUR still to pay
);
CREATE TABLE DriveLesson (
  LessonID INTEGER PRIMARY KEY,
  LearnerID INTEGER NOT NULL REFERENCES Learner (LearnerID),
  InstructorID INTEGER NOT NULL REFERENCES Instructor (InstructorID),
  CarID INTEGER NOT NULL REFERENCES Car (CarID),
  StartTime TIMESTAMP NOT NULL,
  Kind VARCHAR NOT NULL,
  Km DOUBLE,
  Price DECIMAL(10,2) NOT NULL -- EUR
);
CREATE TABLE RoadTest (
  TestID INTEGER PRIMARY KEY,
  LearnerID INTEGER NOT NULL REFERENCES Learner (LearnerID),
  InstructorID INTEGER NOT NULL REFERENCES Instructor (InstructorID),
  TestDate DATE NOT NULL,
  Centre VARCHAR NOT NULL,
  Outcome VARCHAR, -- empty before the test
  Faults INTEGER,
  AttemptNo INTEGER NOT NULL
);
