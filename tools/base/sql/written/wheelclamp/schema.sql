CREATE TABLE street_seg (
  seg_id INTEGER PRIMARY KEY,
  st_name VARCHAR NOT NULL,
  quarter VARCHAR NOT NULL,
  zone_type VARCHAR NOT NULL,
  max_stay_min INTEGER, -- empty = unlimited
  spaces INTEGER NOT NULL
);
CREATE TABLE warden (
  wdn_id INTEGER PRIMARY KEY,
  wdn_name VARCHAR NOT NULL,
  shift VARCHAR NOT NULL,
  chief_id INTEGER REFERENCES warden (wdn_id),
  hire_dt DATE NOT NULL,
  on_ebike BOOLEAN NOT NULL
);
CREATE TABLE veh (
  plate VARCHAR PRIMARY KEY,
  brand VARCHAR NOT NULL,
  keeper_name VARCHAR NOT NULL,
  home_quarter VARCHAR, -- empty for out-of-towners
  res_permit BOOLEAN NOT NULL,
  blue_badge BOOLEAN NOT NULL
);
CREATE TABLE ticket (
  tkt_id INTEGER PRIMARY KEY,
  plate VARCHAR NOT NULL REFERENCES veh (plate),
  seg_id INTEGER NOT NULL REFERENCES street_seg (seg_id),
  wdn_id INTEGER NOT NULL REFERENCES warden (wdn_id),
  issued_at TIMESTAMP NOT NULL,
  offence VARCHAR NOT NULL,
  amt DECIMAL(10, 2) NOT NULL, -- EUR
  paid_dt DATE, -- empty while unpaid
  clamped BOOLEAN NOT NULL
);
CREATE TABLE appeal (
  apl_id INTEGER PRIMARY KEY,
  tkt_id INTEGER NOT NULL REFERENCES ticket (tkt_id),
  filed_dt DATE NOT NULL,
  excuse VARCHAR NOT NULL,
  outcome VARCHAR NOT NULL
);
