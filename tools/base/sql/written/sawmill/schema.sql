CREATE TABLE tbl_forest (
  frst_cd VARCHAR PRIMARY KEY,
  frst_nm VARCHAR NOT NULL,
  owner_typ VARCHAR NOT NULL,
  dist_km INTEGER NOT NULL, -- km to the mill
  fsc_flg BOOLEAN NOT NULL -- certified
);
CREATE TABLE tbl_log_dlv (
  dlv_no INTEGER PRIMARY KEY,
  frst_cd VARCHAR NOT NULL REFERENCES tbl_forest (frst_cd),
  dlv_dt DATE NOT NULL,
  species VARCHAR NOT NULL,
  qlty VARCHAR NOT NULL,
  vol_m3 DOUBLE NOT NULL, -- cubic metres
  prc_m3 DECIMAL(10, 2) NOT NULL, -- EUR per cubic metre
  haulier VARCHAR
);
CREATE TABLE tbl_mach (
  mach_no INTEGER PRIMARY KEY,
  mach_nm VARCHAR NOT NULL,
  mach_typ VARCHAR NOT NULL,
  built_yr INTEGER NOT NULL,
  pwr_kw INTEGER NOT NULL,
  run_flg BOOLEAN NOT NULL -- running
);
CREATE TABLE tbl_cut_job (
  job_no INTEGER PRIMARY KEY,
  dlv_no INTEGER NOT NULL REFERENCES tbl_log_dlv (dlv_no),
  mach_no INTEGER NOT NULL REFERENCES tbl_mach (mach_no),
  strt_ts TIMESTAMP NOT NULL,
  end_ts TIMESTAMP,
  board_typ VARCHAR NOT NULL,
  out_m3 DOUBLE,
  waste_pct DOUBLE
);
CREATE TABLE tbl_cust (
  cust_no INTEGER PRIMARY KEY,
  cust_nm VARCHAR NOT NULL,
  trade VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  pay_days INTEGER NOT NULL
);
CREATE TABLE tbl_ord (
  ord_no INTEGER PRIMARY KEY,
  cust_no INTEGER NOT NULL REFERENCES tbl_cust (cust_no),
  ord_dt DATE NOT NULL,
  due_dt DATE NOT NULL,
  board_typ VARCHAR NOT NULL,
  qty_m3 DOUBLE NOT NULL,
  amt DECIMAL(10, 2) NOT NULL, -- EUR
  stat VARCHAR NOT NULL
);
