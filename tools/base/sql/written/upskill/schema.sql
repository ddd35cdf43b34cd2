CREATE TABLE Department (
  DeptCode VARCHAR PRIMARY KEY,
  DeptName VARCHAR NOT NULL,
  TrainingBudget DECIMAL(10,2) NOT NULL -- USD per year
);
CREATE TABLE Employee (
  EmployeeNo INTEGER PRIMARY KEY,
  EmployeeName VARCHAR NOT NULL,
  DeptCode VARCHAR NOT NULL REFERENCES Department (DeptCode),
  Grade VARCHAR NOT NULL,
  HireDate DATE NOT NULL,
  SupervisorNo INTEGER REFERENCES Employee (EmployeeNo)
);
CREATE TABLE Course (
  CourseID INTEGER PRIMARY KEY,
  CourseTitle VARCHAR NOT NULL,
  Topic VARCHAR NOT NULL,
  Level VARCHAR NOT NULL,
  Hours INTEGER NOT NULL,
  Mandatory BOOLEAN NOT NULL,
  Fee DECIMAL(10,2) NOT NULL, -- USD per seat
  PrerequisiteID INTEGER REFERENCES Course (CourseID)
);
CREATE TABLE ClassRun (
  RunID INTEGER PRIMARY KEY,
  CourseID INTEGER NOT NULL REFERENCES Course (CourseID),
  TrainerNo INTEGER REFERENCES Employee (EmployeeNo), -- empty if external
  Mode VARCHAR NOT NULL,
  Site VARCHAR,
  StartDate DATE NOT NULL,
  EndDate DATE NOT NULL,
  Seats INTEGER NOT NULL,
  Cancelled BOOLEAN NOT NULL
);
CREATE TABLE Enrolment (
  EnrolmentID INTEGER PRIMARY KEY,
  RunID INTEGER NOT NULL REFERENCES ClassRun (RunID),
  EmployeeNo INTEGER NOT NULL REFERENCES Employee (EmployeeNo),
  BookedOn DATE NOT NULL,
  Outcome VARCHAR, -- empty until the class is over
  ExamScore INTEGER, -- percent
  Rating INTEGER -- stars given by the participant, 1 to 5
);
