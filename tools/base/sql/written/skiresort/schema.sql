CREATE TABLE t_lift (
  lft_id INTEGER PRIMARY KEY,
  lft_name VARCHAR NOT NULL,
  lft_type VARCHAR NOT NULL,
  cap_h INTEGER NOT NULL, -- persons per hour
  built_yr INTEGER NOT NULL,
  open_flg BOOLEAN NOT NULL,
  ride_min DOUBLE -- minutes
);
CREATE TABLE t_run (
  run_no INTEGER PRIMARY KEY,
  run_name VARCHAR NOT NULL,
  diff VARCHAR NOT NULL,
  len_m INTEGER NOT NULL, -- metres
  groomed BOOLEAN NOT NULL,
  floodlit BOOLEAN NOT NULL,
  lft_id INTEGER REFERENCES t_lift (lft_id)
);
CREATE TABLE t_guest (
  gst_id INTEGER PRIMARY KEY,
  gst_name VARCHAR NOT NULL,
  ctry VARCHAR NOT NULL,
  age INTEGER,
  email VARCHAR
);
CREATE TABLE t_pass (
  pass_id INTEGER PRIMARY KEY,
  gst_id INTEGER NOT NULL REFERENCES t_guest (gst_id),
  pass_type VARCHAR NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE NOT NULL,
  amt DECIMAL(10, 2) NOT NULL, -- CHF
  blocked BOOLEAN NOT NULL
);
CREATE TABLE t_scan (
  scan_id BIGINT PRIMARY KEY,
  pass_id INTEGER NOT NULL REFERENCES t_pass (pass_id),
  lft_id INTEGER NOT NULL REFERENCES t_lift (lft_id),
  ts TIMESTAMP NOT NULL
);
CREATE TABLE t_incid (
  inc_id INTEGER PRIMARY KEY,
  run_no INTEGER NOT NULL REFERENCES t_run (run_no),
  gst_id INTEGER REFERENCES t_guest (gst_id), -- empty if unknown
  inc_dt DATE NOT NULL,
  severity VARCHAR NOT NULL,
  heli BOOLEAN NOT NULL, -- helicopter called
  descr VARCHAR
);
