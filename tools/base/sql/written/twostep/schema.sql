CREATE TABLE teachers (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  main_style VARCHAR NOT NULL,
  hourly_fee DECIMAL(10,2) NOT NULL, -- CHF
  self_employed BOOLEAN NOT NULL,
  birthday DATE
);
CREATE TABLE studios (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  quarter VARCHAR NOT NULL,
  floor_type VARCHAR NOT NULL,
  square_metres INTEGER NOT NULL,
  mirrors BOOLEAN NOT NULL
);
CREATE TABLE courses (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  style VARCHAR NOT NULL,
  grade VARCHAR NOT NULL,
  audience VARCHAR NOT NULL,
  teacher_id INTEGER REFERENCES teachers (id),
  assistant_id INTEGER REFERENCES teachers (id),
  studio_id INTEGER NOT NULL REFERENCES studios (id),
  weekday VARCHAR NOT NULL,
  first_lesson DATE NOT NULL,
  lessons INTEGER NOT NULL,
  price DECIMAL(10,2) NOT NULL, -- CHF for the whole course
  capacity INTEGER NOT NULL
);
CREATE TABLE dancers (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  born_on DATE,
  height_cm INTEGER,
  partner_id INTEGER REFERENCES dancers (id),
  mail_ok BOOLEAN NOT NULL -- agreed to the newsletter
);
CREATE TABLE enrolments (
  id INTEGER PRIMARY KEY,
  course_id INTEGER NOT NULL REFERENCES courses (id),
  dancer_id INTEGER NOT NULL REFERENCES dancers (id),
  enrolled_at TIMESTAMP NOT NULL,
  status VARCHAR NOT NULL,
  discount INTEGER NOT NULL, -- percent
  lessons_missed INTEGER
);
