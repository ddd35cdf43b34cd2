CREATE TABLE cust (
  cid INTEGER PRIMARY KEY,
  full_nm VARCHAR NOT NULL,
  sex VARCHAR,
  vip BOOLEAN NOT NULL,
  first_visit DATE NOT NULL
);
CREATE TABLE measr (
  mid INTEGER PRIMARY KEY,
  cid INTEGER NOT NULL REFERENCES cust (cid),
  taken DATE NOT NULL,
  chest_cm DOUBLE,
  waist_cm DOUBLE,
  inseam_cm DOUBLE
);
CREATE TABLE fabric (
  fid INTEGER PRIMARY KEY,
  fab_nm VARCHAR NOT NULL,
  mill VARCHAR NOT NULL,
  fibre VARCHAR NOT NULL,
  patt VARCHAR NOT NULL, -- pattern
  gsm INTEGER NOT NULL, -- grams per square metre
  stock_m DOUBLE NOT NULL, -- metres on the roll
  eur_m DECIMAL(10,2) NOT NULL -- EUR per metre
);
CREATE TABLE staff (
  sid INTEGER PRIMARY KEY,
  st_nm VARCHAR NOT NULL,
  job VARCHAR NOT NULL
);
CREATE TABLE garm (
  gid INTEGER PRIMARY KEY,
  cid INTEGER NOT NULL REFERENCES cust (cid),
  fid INTEGER REFERENCES fabric (fid), -- empty for alterations
  cutter_sid INTEGER REFERENCES staff (sid),
  sewer_sid INTEGER REFERENCES staff (sid),
  typ VARCHAR NOT NULL,
  svc VARCHAR NOT NULL,
  occasion VARCHAR,
  price DECIMAL(10,2) NOT NULL,
  ord_dt DATE NOT NULL,
  pickup_dt DATE,
  rush BOOLEAN NOT NULL
);
CREATE TABLE fitting (
  ftid INTEGER PRIMARY KEY,
  gid INTEGER NOT NULL REFERENCES garm (gid),
  at_ts TIMESTAMP NOT NULL,
  mins INTEGER,
  no_show BOOLEAN NOT NULL
);
