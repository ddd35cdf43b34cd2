CREATE TABLE plans (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  monthly_fee DECIMAL(10,2) NOT NULL, -- GBP
  min_months INTEGER NOT NULL, -- minimum term
  sauna BOOLEAN NOT NULL -- sauna included
);
CREATE TABLE trainers (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  specialty VARCHAR NOT NULL,
  hourly_rate DECIMAL(10,2) NOT NULL, -- GBP
  hired_on DATE NOT NULL,
  manager_id INTEGER REFERENCES trainers (id)
);
CREATE TABLE members (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  email VARCHAR,
  town VARCHAR,
  plan_id INTEGER NOT NULL REFERENCES plans (id),
  coach_id INTEGER REFERENCES trainers (id), -- personal trainer
  joined_on DATE NOT NULL,
  left_on DATE
);
CREATE TABLE classes (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  room VARCHAR NOT NULL,
  weekday VARCHAR NOT NULL,
  duration INTEGER NOT NULL, -- minutes
  capacity INTEGER NOT NULL,
  trainer_id INTEGER REFERENCES trainers (id)
);
CREATE TABLE bookings (
  id INTEGER PRIMARY KEY,
  member_id INTEGER NOT NULL REFERENCES members (id),
  class_id INTEGER NOT NULL REFERENCES classes (id),
  class_day DATE NOT NULL,
  booked_at TIMESTAMP NOT NULL,
  status VARCHAR NOT NULL
);
CREATE TABLE check_ins (
  id INTEGER PRIMARY KEY,
  member_id INTEGER NOT NULL REFERENCES members (id),
  entered_at TIMESTAMP NOT NULL,
  left_at TIMESTAMP,
  locker INTEGER
);
