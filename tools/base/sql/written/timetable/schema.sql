CREATE TABLE Teachers (
  TeacherCode VARCHAR PRIMARY KEY,
  TeacherName VARCHAR NOT NULL,
  Born DATE NOT NULL,
  WeeklyHours DOUBLE NOT NULL, -- contracted hours
  MentorCode VARCHAR REFERENCES Teachers (TeacherCode), -- only for trainees
  OnSickLeave BOOLEAN NOT NULL
);
CREATE TABLE Rooms (
  RoomNo VARCHAR PRIMARY KEY,
  RoomType VARCHAR NOT NULL,
  Desks INTEGER NOT NULL,
  Storey INTEGER NOT NULL, -- 0 is the ground floor
  HasProjector BOOLEAN NOT NULL
);
CREATE TABLE Classes (
  ClassName VARCHAR PRIMARY KEY,
  Grade INTEGER NOT NULL,
  PupilCount INTEGER NOT NULL,
  FormTutor VARCHAR REFERENCES Teachers (TeacherCode),
  HomeRoom VARCHAR REFERENCES Rooms (RoomNo)
);
CREATE TABLE Subjects (
  SubjectID INTEGER PRIMARY KEY,
  SubjectName VARCHAR NOT NULL,
  SubjectGroup VARCHAR NOT NULL,
  Compulsory BOOLEAN NOT NULL
);
CREATE TABLE Lessons (
  LessonID INTEGER PRIMARY KEY,
  ClassName VARCHAR NOT NULL REFERENCES Classes (ClassName),
  SubjectID INTEGER NOT NULL REFERENCES Subjects (SubjectID),
  TeacherCode VARCHAR REFERENCES Teachers (TeacherCode),
  RoomNo VARCHAR REFERENCES Rooms (RoomNo),
  Weekday VARCHAR NOT NULL,
  Period INTEGER NOT NULL
);
CREATE TABLE Substitutions (
  SubstitutionID INTEGER PRIMARY KEY,
  LessonID INTEGER NOT NULL REFERENCES Lessons (LessonID),
  OnDate DATE NOT NULL,
  StandInCode VARCHAR REFERENCES Teachers (TeacherCode), -- empty when the lesson falls out
  Cause VARCHAR NOT NULL,
  AnnouncedAt TIMESTAMP NOT NULL
);
