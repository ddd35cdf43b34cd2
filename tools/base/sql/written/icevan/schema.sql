CREATE TABLE van (
  van_id INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  plate VARCHAR NOT NULL,
  bought_on DATE NOT NULL,
  mileage_km INTEGER NOT NULL,
  freezer_litres INTEGER NOT NULL,
  off_road_since DATE -- empty while the van is running
);
CREATE TABLE driver (
  driver_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  hired_on DATE NOT NULL,
  hourly_rate DECIMAL(10, 2) NOT NULL, -- GBP
  hygiene_cert BOOLEAN NOT NULL,
  mentor_id INTEGER REFERENCES driver (driver_id)
);
CREATE TABLE pitch (
  pitch_id INTEGER PRIMARY KEY,
  spot VARCHAR NOT NULL,
  area VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  daily_fee DECIMAL(10, 2) NOT NULL, -- GBP
  permit_until DATE
);
CREATE TABLE flavour (
  flavour_id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  base VARCHAR NOT NULL,
  vegan BOOLEAN NOT NULL,
  contains_nuts BOOLEAN NOT NULL,
  scoop_price DECIMAL(10, 2) NOT NULL
);
CREATE TABLE outing (
  outing_id INTEGER PRIMARY KEY,
  van_id INTEGER NOT NULL REFERENCES van (van_id),
  driver_id INTEGER NOT NULL REFERENCES driver (driver_id),
  pitch_id INTEGER NOT NULL REFERENCES pitch (pitch_id),
  outing_date DATE NOT NULL,
  weather VARCHAR NOT NULL,
  takings DECIMAL(10, 2) NOT NULL, -- GBP
  cones_sold INTEGER NOT NULL,
  remark VARCHAR
);
CREATE TABLE scoop_log (
  outing_id INTEGER NOT NULL REFERENCES outing (outing_id),
  flavour_id INTEGER NOT NULL REFERENCES flavour (flavour_id),
  scoops INTEGER NOT NULL,
  sold_out BOOLEAN NOT NULL,
  PRIMARY KEY (outing_id, flavour_id)
);
