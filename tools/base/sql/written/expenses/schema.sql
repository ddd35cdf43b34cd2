CREATE TABLE cost_centre (
  cc_no VARCHAR PRIMARY KEY,
  cc_label VARCHAR NOT NULL,
  yearly_cap DECIMAL(10,2) -- CHF, empty means no cap
);
CREATE TABLE staff (
  staff_id INTEGER PRIMARY KEY,
  staff_name VARCHAR NOT NULL,
  cc_no VARCHAR NOT NULL REFERENCES cost_centre (cc_no),
  home_base VARCHAR NOT NULL,
  approver_id INTEGER REFERENCES staff (staff_id),
  has_company_card BOOLEAN NOT NULL
);
CREATE TABLE report (
  report_no INTEGER PRIMARY KEY,
  staff_id INTEGER NOT NULL REFERENCES staff (staff_id),
  purpose VARCHAR NOT NULL,
  trip_country VARCHAR, -- empty if no travel
  filed_on DATE,
  state VARCHAR NOT NULL,
  decided_by INTEGER REFERENCES staff (staff_id),
  reimbursed_on DATE,
  total_chf DECIMAL(10,2) NOT NULL
);
CREATE TABLE line_item (
  line_id BIGINT PRIMARY KEY,
  report_no INTEGER NOT NULL REFERENCES report (report_no),
  kind VARCHAR NOT NULL,
  spent_on DATE NOT NULL,
  merchant VARCHAR,
  amt DECIMAL(10,2) NOT NULL, -- in the currency of the row
  ccy VARCHAR NOT NULL,
  receipt BOOLEAN NOT NULL,
  vat_pct DOUBLE,
  paid_with VARCHAR NOT NULL
);
CREATE TABLE policy_flag (
  flag_id INTEGER PRIMARY KEY,
  line_id BIGINT NOT NULL REFERENCES line_item (line_id),
  rule VARCHAR NOT NULL,
  severity INTEGER NOT NULL, -- 1 mild to 3 grave
  waived BOOLEAN NOT NULL
);
