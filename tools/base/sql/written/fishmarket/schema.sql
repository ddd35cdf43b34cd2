CREATE TABLE vessel (
  vsl_id INTEGER PRIMARY KEY,
  vsl_name VARCHAR NOT NULL,
  skipper VARCHAR NOT NULL,
  home_port VARCHAR NOT NULL,
  len_m DOUBLE, -- metres
  gear VARCHAR NOT NULL
);
CREATE TABLE species (
  sp_code VARCHAR PRIMARY KEY,
  sp_name VARCHAR NOT NULL,
  grp VARCHAR NOT NULL,
  quota_kg INTEGER, -- empty: no quota
  min_size_cm INTEGER
);
CREATE TABLE lot (
  lot_no INTEGER PRIMARY KEY,
  vsl_id INTEGER NOT NULL REFERENCES vessel (vsl_id),
  sp_code VARCHAR NOT NULL REFERENCES species (sp_code),
  landed_dt DATE NOT NULL,
  wt_kg DOUBLE NOT NULL,
  grade VARCHAR NOT NULL,
  frozen BOOLEAN NOT NULL
);
CREATE TABLE buyer (
  byr_id INTEGER PRIMARY KEY,
  byr_name VARCHAR NOT NULL,
  byr_type VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  credit_lim DECIMAL(10,2), -- EUR
  blocked BOOLEAN NOT NULL
);
CREATE TABLE sale (
  sale_no INTEGER PRIMARY KEY,
  lot_no INTEGER NOT NULL REFERENCES lot (lot_no),
  byr_id INTEGER NOT NULL REFERENCES buyer (byr_id),
  sold_ts TIMESTAMP NOT NULL,
  qty_kg DOUBLE NOT NULL,
  px_kg DECIMAL(10,2) NOT NULL, -- EUR per kg
  pd_dt DATE, -- paid on
  chan VARCHAR NOT NULL
);
