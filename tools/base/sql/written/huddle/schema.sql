CREATE TABLE t_bldg (
  bldg_id INTEGER PRIMARY KEY,
  bldg_nm VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  opens_hr INTEGER NOT NULL -- hour of the day
);
CREATE TABLE t_room (
  room_id INTEGER PRIMARY KEY,
  room_nm VARCHAR NOT NULL,
  bldg_id INTEGER NOT NULL REFERENCES t_bldg (bldg_id),
  flr INTEGER NOT NULL, -- floor, 0 is ground
  cap INTEGER NOT NULL, -- people
  style VARCHAR NOT NULL,
  has_vc BOOLEAN NOT NULL, -- video conferencing
  has_window BOOLEAN NOT NULL,
  rate_hr DECIMAL(10,2) NOT NULL -- GBP, for outside guests
);
CREATE TABLE t_gear (
  gear_id INTEGER PRIMARY KEY,
  room_id INTEGER REFERENCES t_room (room_id), -- empty if in storage
  gear_kind VARCHAR NOT NULL,
  maker VARCHAR,
  bought_dt DATE,
  broken BOOLEAN NOT NULL
);
CREATE TABLE t_pers (
  pers_id INTEGER PRIMARY KEY,
  pers_nm VARCHAR NOT NULL,
  unit VARCHAR NOT NULL,
  ext VARCHAR -- phone extension
);
CREATE TABLE t_bkg (
  bkg_id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES t_room (room_id),
  host_id INTEGER NOT NULL REFERENCES t_pers (pers_id),
  subj VARCHAR,
  start_ts TIMESTAMP NOT NULL,
  dur_min INTEGER NOT NULL,
  heads INTEGER, -- people expected
  stat VARCHAR NOT NULL,
  private BOOLEAN NOT NULL
);
CREATE TABLE t_catering (
  cat_id INTEGER PRIMARY KEY,
  bkg_id INTEGER NOT NULL REFERENCES t_bkg (bkg_id),
  menu VARCHAR NOT NULL,
  portions INTEGER NOT NULL,
  cost DECIMAL(10,2) NOT NULL -- GBP
);
