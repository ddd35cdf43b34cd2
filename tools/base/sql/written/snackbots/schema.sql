CREATE TABLE site (
  site_id INTEGER PRIMARY KEY,
  site_nm VARCHAR NOT NULL,
  site_type VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  open24h BOOLEAN NOT NULL,
  rent_mth DECIMAL(10,2) NOT NULL -- EUR we pay the host per month
);
CREATE TABLE tech (
  tech_id INTEGER PRIMARY KEY,
  tech_nm VARCHAR NOT NULL,
  van_plate VARCHAR,
  region VARCHAR NOT NULL
);
CREATE TABLE vm (
  vm_id INTEGER PRIMARY KEY,
  serial VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  site_id INTEGER REFERENCES site (site_id), -- empty: in the warehouse
  tech_id INTEGER REFERENCES tech (tech_id),
  installed DATE,
  cashless BOOLEAN NOT NULL,
  state VARCHAR NOT NULL,
  temp_c DOUBLE
);
CREATE TABLE prod (
  prod_id INTEGER PRIMARY KEY,
  prod_nm VARCHAR NOT NULL,
  cat VARCHAR NOT NULL,
  price DECIMAL(10,2) NOT NULL,
  cost DECIMAL(10,2) NOT NULL,
  kcal INTEGER,
  vegan BOOLEAN NOT NULL
);
CREATE TABLE slot (
  slot_id INTEGER PRIMARY KEY,
  vm_id INTEGER NOT NULL REFERENCES vm (vm_id),
  prod_id INTEGER REFERENCES prod (prod_id),
  pos VARCHAR NOT NULL,
  qty INTEGER NOT NULL,
  cap INTEGER NOT NULL,
  best_before DATE
);
CREATE TABLE vend (
  vend_id BIGINT PRIMARY KEY,
  vm_id INTEGER NOT NULL REFERENCES vm (vm_id),
  prod_id INTEGER NOT NULL REFERENCES prod (prod_id),
  ts TIMESTAMP NOT NULL,
  paid DECIMAL(10,2) NOT NULL,
  pay VARCHAR NOT NULL,
  jammed BOOLEAN NOT NULL
);
CREATE TABLE visit (
  visit_id INTEGER PRIMARY KEY,
  vm_id INTEGER NOT NULL REFERENCES vm (vm_id),
  tech_id INTEGER NOT NULL REFERENCES tech (tech_id),
  day DATE NOT NULL,
  purpose VARCHAR NOT NULL,
  mins INTEGER NOT NULL,
  cash_out DECIMAL(10,2)
);
