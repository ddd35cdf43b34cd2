CREATE TABLE Teacher (
  TeacherID INTEGER PRIMARY KEY,
  FirstName VARCHAR NOT NULL,
  LastName VARCHAR NOT NULL,
  NativeLanguage VARCHAR NOT NULL,
  Freelance BOOLEAN NOT NULL,
  HourlyPay DECIMAL(10,2) NOT NULL, -- EUR
  StartDate DATE NOT NULL
);
CREATE TABLE Branch (
  BranchID INTEGER PRIMARY KEY,
  City VARCHAR NOT NULL,
  Street VARCHAR,
  Rooms INTEGER NOT NULL,
  HeadID INTEGER REFERENCES Teacher (TeacherID) -- head of the branch
);
CREATE TABLE Course (
  CourseID INTEGER PRIMARY KEY,
  CourseName VARCHAR NOT NULL,
  Language VARCHAR NOT NULL,
  Level VARCHAR NOT NULL,
  Format VARCHAR NOT NULL,
  Fee DECIMAL(10,2) NOT NULL, -- EUR
  Lessons INTEGER NOT NULL,
  BeginsOn DATE NOT NULL,
  TeacherID INTEGER REFERENCES Teacher (TeacherID),
  BranchID INTEGER REFERENCES Branch (BranchID) -- empty for online courses
);
CREATE TABLE Student (
  StudentID INTEGER PRIMARY KEY,
  StudentName VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  Age INTEGER,
  Employer VARCHAR, -- pays the fee, if any
  RegisteredOn DATE NOT NULL
);
CREATE TABLE Enrolment (
  EnrolmentID INTEGER PRIMARY KEY,
  StudentID INTEGER NOT NULL REFERENCES Student (StudentID),
  CourseID INTEGER NOT NULL REFERENCES Course (CourseID),
  EnrolledOn DATE NOT NULL,
  Paid BOOLEAN NOT NULL,
  FinalMark INTEGER, -- 0 to 100
  Dropped BOOLEAN NOT NULL
);
