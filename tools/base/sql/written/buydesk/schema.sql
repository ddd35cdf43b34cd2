CREATE TABLE sup (
  sup_no INTEGER PRIMARY KEY,
  sup_name VARCHAR NOT NULL,
  ctry VARCHAR NOT NULL,
  cls VARCHAR NOT NULL, -- A best, C worst
  pay_days INTEGER NOT NULL, -- days we have to pay
  iso_cert BOOLEAN NOT NULL,
  blocked_since DATE -- empty if we may buy there
);
CREATE TABLE mat (
  mat_no VARCHAR PRIMARY KEY,
  mat_desc VARCHAR NOT NULL,
  mat_grp VARCHAR NOT NULL,
  uom VARCHAR NOT NULL,
  hazard BOOLEAN NOT NULL,
  std_price DECIMAL(10,2) -- EUR
);
CREATE TABLE quote (
  quote_no INTEGER PRIMARY KEY,
  sup_no INTEGER NOT NULL REFERENCES sup (sup_no),
  mat_no VARCHAR NOT NULL REFERENCES mat (mat_no),
  price DECIMAL(10,2) NOT NULL, -- EUR per unit
  moq INTEGER, -- minimum order quantity
  lead_days INTEGER NOT NULL,
  valid_to DATE
);
CREATE TABLE buyer (
  buyer_no INTEGER PRIMARY KEY,
  buyer_name VARCHAR NOT NULL,
  site VARCHAR NOT NULL,
  limit_eur INTEGER -- may sign up to, empty means no limit
);
CREATE TABLE po (
  po_no INTEGER PRIMARY KEY,
  sup_no INTEGER NOT NULL REFERENCES sup (sup_no),
  buyer_no INTEGER NOT NULL REFERENCES buyer (buyer_no),
  po_dt DATE NOT NULL,
  st VARCHAR NOT NULL,
  incoterm VARCHAR,
  rush BOOLEAN NOT NULL
);
CREATE TABLE po_pos (
  pos_id INTEGER PRIMARY KEY,
  po_no INTEGER NOT NULL REFERENCES po (po_no),
  mat_no VARCHAR NOT NULL REFERENCES mat (mat_no),
  qty INTEGER NOT NULL,
  net_amt DECIMAL(10,2) NOT NULL, -- EUR
  promised_dt DATE,
  arrived_dt DATE, -- empty until received
  rej_qty INTEGER NOT NULL -- pieces sent back
);
