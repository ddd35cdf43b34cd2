CREATE TABLE branches (
  branch_id INTEGER PRIMARY KEY,
  branch_name VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  night_service BOOLEAN NOT NULL,
  opened_on DATE NOT NULL
);
CREATE TABLE pharmacists (
  pharmacist_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  branch_id INTEGER NOT NULL REFERENCES branches (branch_id),
  licence_expires DATE NOT NULL,
  vaccinator BOOLEAN NOT NULL, -- may give jabs
  supervisor_id INTEGER REFERENCES pharmacists (pharmacist_id)
);
CREATE TABLE drugs (
  drug_id INTEGER PRIMARY KEY,
  trade_name VARCHAR NOT NULL,
  substance VARCHAR NOT NULL,
  form VARCHAR NOT NULL,
  strength_mg DOUBLE,
  prescription_only BOOLEAN NOT NULL,
  pack_price DECIMAL(10,2) NOT NULL, -- EUR
  replaces_id INTEGER REFERENCES drugs (drug_id) -- the brand this generic stands in for
);
CREATE TABLE stock_items (
  stock_item_id INTEGER PRIMARY KEY,
  branch_id INTEGER NOT NULL REFERENCES branches (branch_id),
  drug_id INTEGER NOT NULL REFERENCES drugs (drug_id),
  packs INTEGER NOT NULL,
  reorder_below INTEGER,
  expires_on DATE NOT NULL
);
CREATE TABLE patients (
  patient_id INTEGER PRIMARY KEY,
  patient_name VARCHAR NOT NULL,
  born_on DATE NOT NULL,
  insurer VARCHAR, -- empty for self-payers
  allergic_to VARCHAR
);
CREATE TABLE dispensings (
  dispensing_id BIGINT PRIMARY KEY,
  patient_id INTEGER NOT NULL REFERENCES patients (patient_id),
  drug_id INTEGER NOT NULL REFERENCES drugs (drug_id),
  pharmacist_id INTEGER NOT NULL REFERENCES pharmacists (pharmacist_id),
  packs INTEGER NOT NULL,
  copay DECIMAL(10,2) NOT NULL, -- what the patient pays
  dispensed_at TIMESTAMP NOT NULL
);
