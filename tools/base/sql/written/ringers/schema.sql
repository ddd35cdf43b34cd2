CREATE TABLE spec (
  euring VARCHAR PRIMARY KEY,
  common_nm VARCHAR NOT NULL,
  fam VARCHAR NOT NULL,
  migr BOOLEAN NOT NULL, -- migratory
  ring_sz VARCHAR NOT NULL
);
CREATE TABLE netsite (
  site_id INTEGER PRIMARY KEY,
  site_nm VARCHAR NOT NULL,
  habitat VARCHAR NOT NULL,
  county VARCHAR NOT NULL,
  nets INTEGER NOT NULL
);
CREATE TABLE ringer (
  ringer_id INTEGER PRIMARY KEY,
  full_nm VARCHAR NOT NULL,
  permit VARCHAR NOT NULL,
  permit_exp DATE,
  trainer_id INTEGER REFERENCES ringer (ringer_id)
);
CREATE TABLE capture (
  cap_id BIGINT PRIMARY KEY,
  ring_no VARCHAR NOT NULL,
  euring VARCHAR NOT NULL REFERENCES spec (euring),
  site_id INTEGER NOT NULL REFERENCES netsite (site_id),
  ringer_id INTEGER NOT NULL REFERENCES ringer (ringer_id),
  cap_ts TIMESTAMP NOT NULL,
  age_cd VARCHAR NOT NULL,
  sex VARCHAR, -- empty if it could not be told
  wt_g DOUBLE, -- grams
  wing_mm INTEGER,
  retrap BOOLEAN NOT NULL
);
CREATE TABLE report (
  report_id INTEGER PRIMARY KEY,
  cap_id BIGINT NOT NULL REFERENCES capture (cap_id),
  country VARCHAR NOT NULL,
  rep_dt DATE NOT NULL,
  km DOUBLE NOT NULL,
  circ VARCHAR NOT NULL -- circumstance
);
