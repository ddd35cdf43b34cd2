CREATE TABLE teachers (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  hourly_fee DECIMAL(10,2) NOT NULL, -- EUR
  hired_on DATE NOT NULL,
  does_home_visits BOOLEAN NOT NULL
);
CREATE TABLE instruments (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  family VARCHAR NOT NULL,
  rental_per_month DECIMAL(10,2) -- EUR, empty when not for hire
);
CREATE TABLE pupils (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  age INTEGER NOT NULL,
  town VARCHAR NOT NULL,
  instrument_id INTEGER NOT NULL REFERENCES instruments (id),
  teacher_id INTEGER REFERENCES teachers (id), -- empty while on the waiting list
  grade INTEGER, -- last exam passed, 1 to 8
  joined_on DATE NOT NULL
);
CREATE TABLE lessons (
  id INTEGER PRIMARY KEY,
  pupil_id INTEGER NOT NULL REFERENCES pupils (id),
  teacher_id INTEGER NOT NULL REFERENCES teachers (id),
  starts_at TIMESTAMP NOT NULL,
  minutes INTEGER NOT NULL,
  room VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  homework VARCHAR
);
CREATE TABLE recitals (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  held_on DATE NOT NULL,
  venue VARCHAR NOT NULL,
  entry_price DECIMAL(10,2) NOT NULL -- EUR
);
CREATE TABLE recital_pieces (
  recital_id INTEGER NOT NULL REFERENCES recitals (id),
  pupil_id INTEGER NOT NULL REFERENCES pupils (id),
  piece VARCHAR NOT NULL,
  duration_min DOUBLE NOT NULL,
  PRIMARY KEY (recital_id, pupil_id)
);
