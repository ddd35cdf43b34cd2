CREATE TABLE svc_client (
  client_key INTEGER PRIMARY KEY,
  client_nm VARCHAR NOT NULL,
  client_typ VARCHAR NOT NULL,
  rgn VARCHAR NOT NULL,
  contract_lvl VARCHAR, -- empty without a service contract
  contract_end_dt DATE
);
CREATE TABLE device_model (
  model_key INTEGER PRIMARY KEY,
  model_nm VARCHAR NOT NULL,
  mfr VARCHAR NOT NULL,
  device_class VARCHAR NOT NULL,
  svc_interval_mth INTEGER NOT NULL, -- months between services
  list_price_amt DECIMAL(10, 2) NOT NULL
);
CREATE TABLE device (
  device_key INTEGER PRIMARY KEY,
  serial_no VARCHAR NOT NULL,
  model_key INTEGER NOT NULL REFERENCES device_model (model_key),
  client_key INTEGER NOT NULL REFERENCES svc_client (client_key),
  install_dt DATE NOT NULL,
  warranty_end_dt DATE,
  op_hrs INTEGER NOT NULL, -- operating hours
  retired_flg BOOLEAN NOT NULL
);
CREATE TABLE engineer (
  eng_key INTEGER PRIMARY KEY,
  eng_nm VARCHAR NOT NULL,
  home_rgn VARCHAR NOT NULL,
  cert_lvl INTEGER NOT NULL, -- 1 to 4
  lead_eng_key INTEGER REFERENCES engineer (eng_key)
);
CREATE TABLE svc_job (
  job_key INTEGER PRIMARY KEY,
  device_key INTEGER NOT NULL REFERENCES device (device_key),
  eng_key INTEGER REFERENCES engineer (eng_key),
  job_typ VARCHAR NOT NULL,
  prio VARCHAR NOT NULL,
  reported_ts TIMESTAMP NOT NULL,
  closed_ts TIMESTAMP,
  labour_hrs DOUBLE,
  bill_amt DECIMAL(10, 2), -- USD
  result_cd VARCHAR
);
CREATE TABLE part_used (
  job_key INTEGER NOT NULL REFERENCES svc_job (job_key),
  part_nm VARCHAR NOT NULL,
  qty INTEGER NOT NULL,
  unit_amt DECIMAL(10, 2) NOT NULL,
  PRIMARY KEY (job_key, part_nm)
);
