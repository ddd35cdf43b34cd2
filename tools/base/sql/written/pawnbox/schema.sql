CREATE TABLE t_cust (
  cust_id INTEGER PRIMARY KEY,
  cust_name VARCHAR NOT NULL,
  dob DATE NOT NULL,
  id_doc VARCHAR NOT NULL,
  zip VARCHAR,
  blacklisted BOOLEAN NOT NULL
);
CREATE TABLE t_branch (
  br_id INTEGER PRIMARY KEY,
  br_name VARCHAR NOT NULL,
  city VARCHAR NOT NULL
);
CREATE TABLE t_clerk (
  clerk_id INTEGER PRIMARY KEY,
  clerk_name VARCHAR NOT NULL,
  br_id INTEGER NOT NULL REFERENCES t_branch (br_id),
  boss_id INTEGER REFERENCES t_clerk (clerk_id),
  hired DATE NOT NULL
);
CREATE TABLE t_item (
  item_id INTEGER PRIMARY KEY,
  descr VARCHAR NOT NULL,
  cat VARCHAR NOT NULL,
  cond VARCHAR NOT NULL,
  est_val DECIMAL(10, 2) NOT NULL, -- USD
  karat INTEGER, -- gold only
  serial_no VARCHAR
);
CREATE TABLE t_pawn (
  pawn_id INTEGER PRIMARY KEY,
  cust_id INTEGER NOT NULL REFERENCES t_cust (cust_id),
  item_id INTEGER NOT NULL REFERENCES t_item (item_id),
  clerk_id INTEGER NOT NULL REFERENCES t_clerk (clerk_id),
  loan_amt DECIMAL(10, 2) NOT NULL, -- USD
  int_rate DOUBLE NOT NULL, -- percent a month
  pawn_dt DATE NOT NULL,
  due_dt DATE NOT NULL,
  redeem_dt DATE, -- when the customer fetched it
  stat VARCHAR NOT NULL
);
