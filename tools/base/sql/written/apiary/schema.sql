CREATE TABLE keeper (
  id INTEGER PRIMARY KEY,
  nm VARCHAR NOT NULL,
  village VARCHAR NOT NULL,
  member_since INTEGER NOT NULL, -- year
  mentor_id INTEGER REFERENCES keeper (id),
  hobby BOOLEAN NOT NULL -- false: lives from it
);
CREATE TABLE site (
  id INTEGER PRIMARY KEY,
  nm VARCHAR NOT NULL,
  keeper_id INTEGER NOT NULL REFERENCES keeper (id),
  habitat VARCHAR NOT NULL,
  alt INTEGER, -- m
  electric_fence BOOLEAN NOT NULL
);
CREATE TABLE hive (
  id INTEGER PRIMARY KEY,
  tag VARCHAR NOT NULL,
  site_id INTEGER NOT NULL REFERENCES site (id),
  box_type VARCHAR NOT NULL,
  bee_race VARCHAR NOT NULL,
  queen_yr INTEGER, -- year the queen hatched, empty when queenless
  set_up DATE NOT NULL,
  died DATE
);
CREATE TABLE chk (
  id INTEGER PRIMARY KEY,
  hive_id INTEGER NOT NULL REFERENCES hive (id),
  dt TIMESTAMP NOT NULL,
  brood_frames INTEGER NOT NULL,
  varroa_pct DOUBLE, -- mites per 100 bees
  mood VARCHAR NOT NULL,
  wt_kg DOUBLE
);
CREATE TABLE crop (
  id INTEGER PRIMARY KEY,
  hive_id INTEGER NOT NULL REFERENCES hive (id),
  dt DATE NOT NULL,
  kind VARCHAR NOT NULL,
  kg DOUBLE NOT NULL,
  water_pct DOUBLE
);
CREATE TABLE treat (
  id INTEGER PRIMARY KEY,
  hive_id INTEGER NOT NULL REFERENCES hive (id),
  agent VARCHAR NOT NULL,
  begun DATE NOT NULL,
  ended DATE,
  amt_ml INTEGER NOT NULL,
  cost DECIMAL(10, 2) NOT NULL -- EUR
);
