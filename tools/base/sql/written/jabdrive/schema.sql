CREATE TABLE regions (
  code VARCHAR PRIMARY KEY,
  region VARCHAR NOT NULL,
  population INTEGER NOT NULL,
  rural BOOLEAN NOT NULL
);
CREATE TABLE centres (
  id INTEGER PRIMARY KEY,
  centre VARCHAR NOT NULL,
  region_code VARCHAR NOT NULL REFERENCES regions (code),
  venue VARCHAR NOT NULL, -- kind of building
  booths INTEGER NOT NULL,
  opened_on DATE NOT NULL,
  closed_on DATE,
  walk_ins BOOLEAN NOT NULL -- accepted without appointment
);
CREATE TABLE vaccines (
  id INTEGER PRIMARY KEY,
  product VARCHAR NOT NULL,
  maker VARCHAR NOT NULL,
  against VARCHAR NOT NULL,
  doses_needed INTEGER NOT NULL,
  storage_temp DOUBLE NOT NULL, -- degrees C
  unit_cost DECIMAL(10, 2) NOT NULL,
  min_age INTEGER
);
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  centre_id INTEGER NOT NULL REFERENCES centres (id),
  vaccine_id INTEGER NOT NULL REFERENCES vaccines (id),
  doses INTEGER NOT NULL,
  spoiled INTEGER NOT NULL, -- doses thrown away
  arrived DATE NOT NULL,
  expires DATE NOT NULL
);
CREATE TABLE persons (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  birth_year INTEGER NOT NULL,
  occupation VARCHAR,
  home_region VARCHAR REFERENCES regions (code)
);
CREATE TABLE shots (
  id BIGINT PRIMARY KEY,
  person_id INTEGER NOT NULL REFERENCES persons (id),
  vaccine_id INTEGER NOT NULL REFERENCES vaccines (id),
  centre_id INTEGER NOT NULL REFERENCES centres (id),
  dose_no INTEGER NOT NULL,
  given_at TIMESTAMP NOT NULL,
  given_by VARCHAR,
  reaction VARCHAR
);
