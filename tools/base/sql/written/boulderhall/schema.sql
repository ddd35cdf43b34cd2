CREATE TABLE member (
  memberNo INTEGER PRIMARY KEY,
  displayName VARCHAR NOT NULL,
  birthYear INTEGER,
  plan VARCHAR NOT NULL,
  memberSince DATE NOT NULL,
  cancelledOn DATE, -- empty while active
  referredBy INTEGER REFERENCES member (memberNo),
  waiverSigned BOOLEAN NOT NULL
);
CREATE TABLE setter (
  setterId INTEGER PRIMARY KEY,
  alias VARCHAR NOT NULL,
  freelance BOOLEAN NOT NULL,
  dayRate DECIMAL(10, 2) NOT NULL -- EUR
);
CREATE TABLE wallSector (
  sectorId INTEGER PRIMARY KEY,
  sectorName VARCHAR NOT NULL,
  discipline VARCHAR NOT NULL,
  heightM DOUBLE NOT NULL,
  angle VARCHAR NOT NULL
);
CREATE TABLE climb (
  climbId INTEGER PRIMARY KEY,
  climbName VARCHAR,
  sectorId INTEGER NOT NULL REFERENCES wallSector (sectorId),
  setterId INTEGER REFERENCES setter (setterId),
  gradeLevel INTEGER NOT NULL, -- 1 easiest, 12 hardest
  holdColor VARCHAR NOT NULL,
  setOn DATE NOT NULL,
  strippedOn DATE -- taken off the wall
);
CREATE TABLE ascent (
  ascentId BIGINT PRIMARY KEY,
  climbId INTEGER NOT NULL REFERENCES climb (climbId),
  memberNo INTEGER NOT NULL REFERENCES member (memberNo),
  loggedAt TIMESTAMP NOT NULL,
  attempts INTEGER NOT NULL,
  flashed BOOLEAN NOT NULL, -- first try
  stars INTEGER -- 1 to 5
);
CREATE TABLE course (
  courseId INTEGER PRIMARY KEY,
  topic VARCHAR NOT NULL,
  startsAt TIMESTAMP NOT NULL,
  spots INTEGER NOT NULL,
  fee DECIMAL(10, 2) NOT NULL, -- EUR
  lang VARCHAR NOT NULL
);
CREATE TABLE courseBooking (
  courseId INTEGER NOT NULL REFERENCES course (courseId),
  memberNo INTEGER NOT NULL REFERENCES member (memberNo),
  paid BOOLEAN NOT NULL,
  noShow BOOLEAN NOT NULL,
  PRIMARY KEY (courseId, memberNo)
);
