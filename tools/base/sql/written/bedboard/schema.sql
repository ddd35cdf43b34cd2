CREATE TABLE department (
  dept_code VARCHAR PRIMARY KEY,
  dept_name VARCHAR NOT NULL,
  building VARCHAR NOT NULL,
  chief VARCHAR,
  visitors_allowed BOOLEAN NOT NULL
);
CREATE TABLE bed (
  bed_id INTEGER PRIMARY KEY,
  bed_label VARCHAR NOT NULL,
  dept_code VARCHAR NOT NULL REFERENCES department (dept_code),
  bed_type VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  ventilator BOOLEAN NOT NULL,
  last_cleaned TIMESTAMP,
  bought INTEGER -- year
);
CREATE TABLE inpatient (
  inpatient_id INTEGER PRIMARY KEY,
  surname VARCHAR NOT NULL,
  gender VARCHAR NOT NULL,
  age INTEGER NOT NULL,
  insurer VARCHAR
);
CREATE TABLE stay (
  stay_id INTEGER PRIMARY KEY,
  inpatient_id INTEGER NOT NULL REFERENCES inpatient (inpatient_id),
  bed_id INTEGER NOT NULL REFERENCES bed (bed_id),
  admitted TIMESTAMP NOT NULL,
  discharged TIMESTAMP, -- empty while in hospital
  planned_discharge DATE,
  admission_route VARCHAR NOT NULL,
  isolation BOOLEAN NOT NULL,
  cost DECIMAL(10, 2) -- EUR
);
CREATE TABLE transfer (
  transfer_id INTEGER PRIMARY KEY,
  stay_id INTEGER NOT NULL REFERENCES stay (stay_id),
  from_dept VARCHAR NOT NULL REFERENCES department (dept_code),
  to_dept VARCHAR NOT NULL REFERENCES department (dept_code),
  moved_at TIMESTAMP NOT NULL,
  wait_minutes INTEGER NOT NULL,
  reason VARCHAR NOT NULL
);
