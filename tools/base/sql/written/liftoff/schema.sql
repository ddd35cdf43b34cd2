CREATE TABLE rockets (
  rocket_id INTEGER PRIMARY KEY,
  rocket_name VARCHAR NOT NULL,
  maker VARCHAR NOT NULL,
  height_m DOUBLE NOT NULL, -- metres
  stages INTEGER NOT NULL,
  reusable BOOLEAN NOT NULL,
  retired_on DATE -- empty while in service
);
CREATE TABLE pads (
  pad_id INTEGER PRIMARY KEY,
  pad_name VARCHAR NOT NULL,
  spaceport VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  built_year INTEGER
);
CREATE TABLE customers (
  customer_id INTEGER PRIMARY KEY,
  company VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  home_country VARCHAR NOT NULL
);
CREATE TABLE launches (
  launch_id INTEGER PRIMARY KEY,
  mission VARCHAR NOT NULL,
  rocket_id INTEGER NOT NULL REFERENCES rockets (rocket_id),
  pad_id INTEGER NOT NULL REFERENCES pads (pad_id),
  liftoff_at TIMESTAMP NOT NULL,
  outcome VARCHAR, -- empty until it has gone up
  crewed BOOLEAN NOT NULL,
  scrub_count INTEGER NOT NULL, -- countdowns called off
  price DECIMAL(10, 2) -- million USD
);
CREATE TABLE payloads (
  payload_id INTEGER PRIMARY KEY,
  payload_name VARCHAR NOT NULL,
  launch_id INTEGER NOT NULL REFERENCES launches (launch_id),
  customer_id INTEGER NOT NULL REFERENCES customers (customer_id),
  mass_kg DOUBLE NOT NULL,
  orbit VARCHAR NOT NULL,
  insured BOOLEAN NOT NULL
);
