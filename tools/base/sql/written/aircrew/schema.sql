CREATE TABLE crew_base (
  iata VARCHAR PRIMARY KEY,
  base_name VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  beds INTEGER NOT NULL -- crew hotel beds
);
CREATE TABLE crew_member (
  staff_no INTEGER PRIMARY KEY,
  given_name VARCHAR NOT NULL,
  family_name VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  base VARCHAR NOT NULL REFERENCES crew_base (iata),
  joined DATE NOT NULL,
  flight_hours INTEGER NOT NULL,
  part_time BOOLEAN NOT NULL,
  supervisor_no INTEGER REFERENCES crew_member (staff_no)
);
CREATE TABLE aircraft_type (
  type_code VARCHAR PRIMARY KEY,
  type_name VARCHAR NOT NULL,
  wide_body BOOLEAN NOT NULL,
  min_cabin_crew INTEGER NOT NULL
);
CREATE TABLE type_rating (
  rating_id INTEGER PRIMARY KEY,
  staff_no INTEGER NOT NULL REFERENCES crew_member (staff_no),
  type_code VARCHAR NOT NULL REFERENCES aircraft_type (type_code),
  issued DATE NOT NULL,
  expires DATE
);
CREATE TABLE course (
  course_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  delivery VARCHAR NOT NULL,
  days INTEGER NOT NULL,
  fee DECIMAL(10,2) NOT NULL, -- EUR
  mandatory BOOLEAN NOT NULL
);
CREATE TABLE enrolment (
  enrolment_id INTEGER PRIMARY KEY,
  course_id INTEGER NOT NULL REFERENCES course (course_id),
  staff_no INTEGER NOT NULL REFERENCES crew_member (staff_no),
  examiner_no INTEGER REFERENCES crew_member (staff_no),
  starts DATE NOT NULL,
  score DOUBLE, -- percent, empty until examined
  passed BOOLEAN
);
CREATE TABLE absence (
  absence_id INTEGER PRIMARY KEY,
  staff_no INTEGER NOT NULL REFERENCES crew_member (staff_no),
  kind VARCHAR NOT NULL,
  from_date DATE NOT NULL,
  days INTEGER NOT NULL,
  approved BOOLEAN NOT NULL
);
