CREATE TABLE zone (
  zone_cd VARCHAR PRIMARY KEY,
  zone_desc VARCHAR NOT NULL,
  pressure_bar DOUBLE NOT NULL,
  source_type VARCHAR NOT NULL
);
CREATE TABLE cust (
  cust_no INTEGER PRIMARY KEY,
  cust_name VARCHAR NOT NULL,
  cust_type VARCHAR NOT NULL,
  street VARCHAR NOT NULL,
  zone_cd VARCHAR NOT NULL REFERENCES zone (zone_cd),
  contract_start DATE NOT NULL,
  contract_end DATE,
  direct_debit BOOLEAN NOT NULL
);
CREATE TABLE meter (
  meter_no VARCHAR PRIMARY KEY,
  cust_no INTEGER REFERENCES cust (cust_no),
  make VARCHAR NOT NULL,
  smart BOOLEAN NOT NULL, -- can be read remotely
  installed DATE NOT NULL,
  calib_due DATE
);
CREATE TABLE reading (
  read_id BIGINT PRIMARY KEY,
  meter_no VARCHAR NOT NULL REFERENCES meter (meter_no),
  read_dt DATE NOT NULL,
  usage_m3 DOUBLE NOT NULL, -- since the reading before
  read_mode VARCHAR NOT NULL
);
CREATE TABLE bill (
  bill_no INTEGER PRIMARY KEY,
  cust_no INTEGER NOT NULL REFERENCES cust (cust_no),
  issued DATE NOT NULL,
  due DATE NOT NULL,
  amt DECIMAL(10, 2) NOT NULL, -- USD
  paid_on DATE,
  reminders INTEGER NOT NULL
);
CREATE TABLE pipe (
  pipe_id INTEGER PRIMARY KEY,
  zone_cd VARCHAR NOT NULL REFERENCES zone (zone_cd),
  material VARCHAR NOT NULL,
  dia_mm INTEGER NOT NULL,
  len_m DOUBLE NOT NULL,
  laid_yr INTEGER
);
CREATE TABLE burst (
  burst_id INTEGER PRIMARY KEY,
  pipe_id INTEGER NOT NULL REFERENCES pipe (pipe_id),
  reported TIMESTAMP NOT NULL,
  fixed TIMESTAMP,
  severity VARCHAR NOT NULL,
  crew VARCHAR,
  lost_m3 DOUBLE
);
