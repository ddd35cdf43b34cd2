CREATE TABLE lecturer (
  lid INTEGER PRIMARY KEY,
  lname VARCHAR NOT NULL,
  home_univ VARCHAR NOT NULL,
  honorarium DECIMAL(10,2), -- EUR, empty for those who teach for free
  arrives DATE NOT NULL
);
CREATE TABLE course (
  cid INTEGER PRIMARY KEY,
  ctitle VARCHAR NOT NULL,
  track VARCHAR NOT NULL,
  lid INTEGER REFERENCES lecturer (lid), -- empty while no one has been found
  first_day DATE NOT NULL,
  last_day DATE NOT NULL,
  fee_eur DECIMAL(10,2) NOT NULL,
  max_seats INTEGER NOT NULL,
  ects INTEGER NOT NULL -- credit points
);
CREATE TABLE participant (
  pid INTEGER PRIMARY KEY,
  pname VARCHAR NOT NULL,
  nation VARCHAR NOT NULL,
  age INTEGER NOT NULL,
  diet VARCHAR NOT NULL,
  visa_needed BOOLEAN NOT NULL,
  roommate INTEGER REFERENCES participant (pid)
);
CREATE TABLE booking (
  bid INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL REFERENCES participant (pid),
  cid INTEGER NOT NULL REFERENCES course (cid),
  booked_at TIMESTAMP NOT NULL,
  state VARCHAR NOT NULL,
  discount_pct INTEGER NOT NULL,
  stars INTEGER -- 1 to 5, empty without feedback
);
CREATE TABLE excursion (
  eid INTEGER PRIMARY KEY,
  destination VARCHAR NOT NULL,
  trip_day DATE NOT NULL,
  transport VARCHAR NOT NULL,
  price DECIMAL(10,2) NOT NULL -- EUR
);
CREATE TABLE excursion_guest (
  eid INTEGER NOT NULL REFERENCES excursion (eid),
  pid INTEGER NOT NULL REFERENCES participant (pid),
  paid BOOLEAN NOT NULL,
  PRIMARY KEY (eid, pid)
);
