CREATE TABLE substation (
  id INTEGER PRIMARY KEY,
  sub_name VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  voltage_kv INTEGER NOT NULL,
  commissioned_on DATE NOT NULL,
  remote_controlled BOOLEAN NOT NULL
);
CREATE TABLE feeder (
  id INTEGER PRIMARY KEY,
  code VARCHAR NOT NULL,
  substation_id INTEGER NOT NULL REFERENCES substation (id),
  line_type VARCHAR NOT NULL,
  length_km DOUBLE NOT NULL,
  households INTEGER NOT NULL -- connected customers
);
CREATE TABLE crew (
  id INTEGER PRIMARY KEY,
  crew_name VARCHAR NOT NULL,
  depot VARCHAR NOT NULL,
  headcount INTEGER NOT NULL,
  on_night_shift BOOLEAN NOT NULL
);
CREATE TABLE outage (
  id INTEGER PRIMARY KEY,
  feeder_id INTEGER NOT NULL REFERENCES feeder (id),
  crew_id INTEGER REFERENCES crew (id), -- empty while nobody is sent
  cause VARCHAR,
  started_at TIMESTAMP NOT NULL,
  restored_at TIMESTAMP,
  households_hit INTEGER NOT NULL,
  planned BOOLEAN NOT NULL
);
CREATE TABLE hotline_call (
  id INTEGER PRIMARY KEY,
  outage_id INTEGER REFERENCES outage (id),
  received_at TIMESTAMP NOT NULL,
  caller_town VARCHAR NOT NULL,
  wait_seconds INTEGER NOT NULL,
  complaint BOOLEAN NOT NULL
);
