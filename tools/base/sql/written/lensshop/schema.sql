CREATE TABLE t_cust (
  cust_no INTEGER PRIMARY KEY,
  cust_name VARCHAR NOT NULL,
  cust_town VARCHAR,
  birth_dt DATE,
  newsletter BOOLEAN NOT NULL
);
CREATE TABLE t_optom (
  opt_no INTEGER PRIMARY KEY,
  opt_name VARCHAR NOT NULL,
  opt_branch VARCHAR NOT NULL
);
CREATE TABLE t_frame (
  frame_no INTEGER PRIMARY KEY,
  frame_model VARCHAR NOT NULL,
  frame_brand VARCHAR NOT NULL,
  frame_mat VARCHAR NOT NULL, -- material
  frame_kind VARCHAR NOT NULL,
  list_prc DECIMAL(10, 2) NOT NULL, -- EUR
  stk_qty INTEGER NOT NULL -- pieces in stock
);
CREATE TABLE t_exam (
  exam_no INTEGER PRIMARY KEY,
  cust_no INTEGER NOT NULL REFERENCES t_cust (cust_no),
  opt_no INTEGER NOT NULL REFERENCES t_optom (opt_no),
  exam_dt DATE NOT NULL,
  sph_left DOUBLE, -- dioptres, below zero is short-sighted
  sph_right DOUBLE,
  pressure INTEGER, -- mmHg
  finding VARCHAR
);
CREATE TABLE t_ord (
  ord_no INTEGER PRIMARY KEY,
  cust_no INTEGER NOT NULL REFERENCES t_cust (cust_no),
  frame_no INTEGER REFERENCES t_frame (frame_no), -- empty for contact lenses
  lens_typ VARCHAR NOT NULL,
  coating VARCHAR,
  ord_amt DECIMAL(10, 2) NOT NULL,
  ord_dt DATE NOT NULL,
  pickup_dt DATE,
  ord_stat VARCHAR NOT NULL
);
