CREATE TABLE chair (
  id INTEGER PRIMARY KEY,
  chairName VARCHAR NOT NULL,
  faculty VARCHAR NOT NULL,
  building VARCHAR NOT NULL
);
CREATE TABLE supervisor (
  id INTEGER PRIMARY KEY,
  surname VARCHAR NOT NULL,
  rank VARCHAR NOT NULL,
  chairId INTEGER NOT NULL REFERENCES chair (id),
  maxTheses INTEGER NOT NULL, -- at the same time
  onSabbatical BOOLEAN NOT NULL
);
CREATE TABLE student (
  id INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  programme VARCHAR NOT NULL,
  creditsEarned INTEGER NOT NULL,
  enrolledOn DATE NOT NULL,
  partTime BOOLEAN NOT NULL
);
CREATE TABLE thesis (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  degree VARCHAR NOT NULL,
  language VARCHAR NOT NULL,
  studentId INTEGER NOT NULL REFERENCES student (id),
  mainSupervisorId INTEGER NOT NULL REFERENCES supervisor (id),
  secondReaderId INTEGER REFERENCES supervisor (id),
  registeredOn DATE NOT NULL,
  dueOn DATE NOT NULL,
  submittedOn DATE, -- empty until handed in
  pages INTEGER,
  mark DOUBLE, -- 1.0 best, 5.0 failed
  confidential BOOLEAN NOT NULL
);
CREATE TABLE meeting (
  id INTEGER PRIMARY KEY,
  thesisId INTEGER NOT NULL REFERENCES thesis (id),
  heldAt TIMESTAMP NOT NULL,
  minutes INTEGER NOT NULL,
  channel VARCHAR NOT NULL,
  note VARCHAR
);
