CREATE TABLE t_zone (
  zn_cd VARCHAR PRIMARY KEY,
  zn_nm VARCHAR NOT NULL,
  temp_cls VARCHAR NOT NULL,
  max_pal INTEGER NOT NULL -- pallets
);
CREATE TABLE t_bin (
  bin_id INTEGER PRIMARY KEY,
  bin_lbl VARCHAR NOT NULL,
  zn_cd VARCHAR NOT NULL REFERENCES t_zone (zn_cd),
  lvl INTEGER NOT NULL, -- shelf level, 0 = floor
  blkd BOOLEAN NOT NULL -- blocked
);
CREATE TABLE t_sku (
  sku_id INTEGER PRIMARY KEY,
  sku_nm VARCHAR NOT NULL,
  cat VARCHAR NOT NULL,
  unit_prc DECIMAL(10,2) NOT NULL, -- USD
  wt_kg DOUBLE NOT NULL,
  min_qty INTEGER NOT NULL, -- reorder level
  frag BOOLEAN NOT NULL -- fragile
);
CREATE TABLE t_stk (
  stk_id INTEGER PRIMARY KEY,
  sku_id INTEGER NOT NULL REFERENCES t_sku (sku_id),
  bin_id INTEGER NOT NULL REFERENCES t_bin (bin_id),
  qty INTEGER NOT NULL,
  exp_dt DATE, -- expiry, empty if it keeps forever
  last_cnt_dt DATE -- last stock count
);
CREATE TABLE t_emp (
  emp_id INTEGER PRIMARY KEY,
  emp_nm VARCHAR NOT NULL,
  shift VARCHAR NOT NULL,
  fork_lic BOOLEAN NOT NULL, -- forklift licence
  mgr_id INTEGER REFERENCES t_emp (emp_id)
);
CREATE TABLE t_pick (
  pick_id INTEGER PRIMARY KEY,
  sku_id INTEGER NOT NULL REFERENCES t_sku (sku_id),
  emp_id INTEGER REFERENCES t_emp (emp_id),
  ord_ref VARCHAR NOT NULL,
  qty INTEGER NOT NULL,
  stat VARCHAR NOT NULL,
  crt_ts TIMESTAMP NOT NULL,
  done_ts TIMESTAMP,
  dur_s INTEGER -- seconds
);
