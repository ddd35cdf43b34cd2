CREATE TABLE product (
  prod_cd VARCHAR PRIMARY KEY,
  prod_desc VARCHAR NOT NULL,
  node_nm INTEGER NOT NULL, -- nanometres
  chip_class VARCHAR NOT NULL,
  dies_per_wafer INTEGER NOT NULL,
  target_yield DOUBLE -- percent
);
CREATE TABLE customer (
  cust_no INTEGER PRIMARY KEY,
  cust_name VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  nda_signed BOOLEAN NOT NULL
);
CREATE TABLE lot (
  lot_no VARCHAR PRIMARY KEY,
  prod_cd VARCHAR NOT NULL REFERENCES product (prod_cd),
  cust_no INTEGER REFERENCES customer (cust_no), -- empty for engineering lots
  parent_lot VARCHAR REFERENCES lot (lot_no), -- split from
  wafer_qty INTEGER NOT NULL,
  prio VARCHAR NOT NULL,
  lot_stat VARCHAR NOT NULL,
  start_dt DATE NOT NULL,
  due_dt DATE,
  ship_dt DATE
);
CREATE TABLE tool (
  tool_id VARCHAR PRIMARY KEY,
  area VARCHAR NOT NULL,
  maker VARCHAR NOT NULL,
  tool_stat VARCHAR NOT NULL,
  wph DOUBLE NOT NULL, -- wafers per hour
  last_pm DATE -- preventive maintenance
);
CREATE TABLE move (
  move_id BIGINT PRIMARY KEY,
  lot_no VARCHAR NOT NULL REFERENCES lot (lot_no),
  tool_id VARCHAR NOT NULL REFERENCES tool (tool_id),
  step_no INTEGER NOT NULL,
  track_in TIMESTAMP NOT NULL,
  track_out TIMESTAMP,
  scrap_qty INTEGER NOT NULL,
  rework BOOLEAN NOT NULL
);
CREATE TABLE probe_test (
  test_id INTEGER PRIMARY KEY,
  lot_no VARCHAR NOT NULL REFERENCES lot (lot_no),
  wafer_pos INTEGER NOT NULL,
  yield_pct DOUBLE NOT NULL,
  top_defect VARCHAR,
  tested_on DATE NOT NULL
);
