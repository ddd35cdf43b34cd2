CREATE TABLE yards (
  yard_code VARCHAR PRIMARY KEY,
  yard_name VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  tracks INTEGER NOT NULL,
  has_crane BOOLEAN NOT NULL
);
CREATE TABLE locomotives (
  loco_no INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  class VARCHAR NOT NULL,
  traction VARCHAR NOT NULL,
  power_kw INTEGER NOT NULL,
  built INTEGER NOT NULL, -- year
  last_overhaul DATE,
  home_yard VARCHAR REFERENCES yards (yard_code)
);
CREATE TABLE drivers (
  driver_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  grade VARCHAR NOT NULL,
  licence_until DATE NOT NULL,
  mentor_id INTEGER REFERENCES drivers (driver_id)
);
CREATE TABLE trains (
  train_id INTEGER PRIMARY KEY,
  train_no VARCHAR NOT NULL,
  loco_no INTEGER REFERENCES locomotives (loco_no),
  driver_id INTEGER REFERENCES drivers (driver_id),
  from_yard VARCHAR NOT NULL REFERENCES yards (yard_code),
  to_yard VARCHAR NOT NULL REFERENCES yards (yard_code),
  departs_at TIMESTAMP NOT NULL,
  delay_min INTEGER, -- minutes late on arrival
  cancelled BOOLEAN NOT NULL
);
CREATE TABLE wagons (
  wagon_id INTEGER PRIMARY KEY,
  uic_no VARCHAR NOT NULL,
  wagon_type VARCHAR NOT NULL,
  tare_t DOUBLE NOT NULL, -- tonnes
  owner VARCHAR NOT NULL,
  out_of_service BOOLEAN NOT NULL
);
CREATE TABLE loads (
  load_id INTEGER PRIMARY KEY,
  train_id INTEGER NOT NULL REFERENCES trains (train_id),
  wagon_id INTEGER NOT NULL REFERENCES wagons (wagon_id),
  commodity VARCHAR NOT NULL,
  weight_t DOUBLE NOT NULL, -- tonnes
  hazardous BOOLEAN NOT NULL,
  freight_charge DECIMAL(10,2) NOT NULL -- EUR
);
