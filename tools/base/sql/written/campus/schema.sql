CREATE TABLE Department (
  DeptID INTEGER PRIMARY KEY,
  DeptName VARCHAR NOT NULL,
  Faculty VARCHAR NOT NULL,
  Building VARCHAR
);
CREATE TABLE Lecturer (
  LecturerID INTEGER PRIMARY KEY,
  FullName VARCHAR NOT NULL,
  Rank VARCHAR NOT NULL,
  DeptID INTEGER NOT NULL REFERENCES Department (DeptID),
  HiredOn DATE NOT NULL,
  OfficeRoom VARCHAR, -- empty when without an office
  OnLeave BOOLEAN NOT NULL
);
CREATE TABLE Course (
  CourseID INTEGER PRIMARY KEY,
  Title VARCHAR NOT NULL,
  DeptID INTEGER NOT NULL REFERENCES Department (DeptID),
  LecturerID INTEGER REFERENCES Lecturer (LecturerID), -- empty until staffed
  Credits INTEGER NOT NULL,
  Level VARCHAR NOT NULL,
  TeachingLanguage VARCHAR NOT NULL,
  MaxSeats INTEGER NOT NULL,
  HeldOnline BOOLEAN NOT NULL
);
CREATE TABLE Student (
  StudentID INTEGER PRIMARY KEY,
  Name VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  Age INTEGER NOT NULL,
  StudyingSince DATE NOT NULL,
  AdvisorID INTEGER REFERENCES Lecturer (LecturerID),
  Scholarship BOOLEAN NOT NULL
);
CREATE TABLE Enrolment (
  EnrolmentID INTEGER PRIMARY KEY,
  StudentID INTEGER NOT NULL REFERENCES Student (StudentID),
  CourseID INTEGER NOT NULL REFERENCES Course (CourseID),
  Semester VARCHAR NOT NULL,
  Points INTEGER, -- 0 to 100, empty until graded
  RegisteredAt TIMESTAMP NOT NULL
);
CREATE TABLE Exam (
  ExamID INTEGER PRIMARY KEY,
  CourseID INTEGER NOT NULL REFERENCES Course (CourseID),
  HeldOn DATE NOT NULL,
  Duration INTEGER NOT NULL, -- minutes
  Hall VARCHAR NOT NULL,
  Kind VARCHAR NOT NULL
);
