CREATE TABLE institution (
  inst_id INTEGER PRIMARY KEY,
  inst_name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  climate_controlled BOOLEAN NOT NULL,
  rating VARCHAR -- how they handled earlier loans
);
CREATE TABLE maker (
  maker_id INTEGER PRIMARY KEY,
  maker_name VARCHAR NOT NULL,
  nationality VARCHAR,
  born_year INTEGER,
  died_year INTEGER -- empty when alive
);
CREATE TABLE artwork (
  inv_no INTEGER PRIMARY KEY,
  work_title VARCHAR NOT NULL,
  maker_id INTEGER REFERENCES maker (maker_id), -- empty when the maker is unknown
  medium VARCHAR NOT NULL,
  year_made INTEGER,
  insured_value DECIMAL(10, 2) NOT NULL, -- EUR
  height_cm DOUBLE,
  fragile BOOLEAN NOT NULL,
  room VARCHAR -- empty when in storage
);
CREATE TABLE loan (
  loan_id INTEGER PRIMARY KEY,
  inv_no INTEGER NOT NULL REFERENCES artwork (inv_no),
  inst_id INTEGER NOT NULL REFERENCES institution (inst_id), -- borrower
  show_title VARCHAR,
  out_date DATE NOT NULL,
  due_date DATE NOT NULL,
  back_date DATE,
  fee DECIMAL(10, 2) NOT NULL,
  courier_needed BOOLEAN NOT NULL,
  state VARCHAR NOT NULL
);
CREATE TABLE condition_check (
  check_id INTEGER PRIMARY KEY,
  loan_id INTEGER NOT NULL REFERENCES loan (loan_id),
  checked_at TIMESTAMP NOT NULL,
  moment VARCHAR NOT NULL,
  grade VARCHAR NOT NULL,
  damage_cost DECIMAL(10, 2)
);
