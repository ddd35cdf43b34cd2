CREATE TABLE dept (
  dept_cd VARCHAR PRIMARY KEY,
  dept_nm VARCHAR NOT NULL,
  site VARCHAR NOT NULL,
  head_emp INTEGER,
  budget_k INTEGER NOT NULL -- thousands per year
);
CREATE TABLE emp (
  emp_no INTEGER PRIMARY KEY,
  emp_nm VARCHAR NOT NULL,
  dept_cd VARCHAR NOT NULL REFERENCES dept (dept_cd),
  job VARCHAR NOT NULL,
  mgr_no INTEGER REFERENCES emp (emp_no),
  hire_dt DATE NOT NULL,
  leave_dt DATE, -- empty while employed
  base_sal DECIMAL(10,2) NOT NULL, -- per month
  pct_time INTEGER NOT NULL, -- 100 = full time
  union_mbr BOOLEAN NOT NULL
);
CREATE TABLE payslip (
  slip_no BIGINT PRIMARY KEY,
  emp_no INTEGER NOT NULL REFERENCES emp (emp_no),
  period DATE NOT NULL, -- first of the month
  gross_amt DECIMAL(10,2) NOT NULL,
  net_amt DECIMAL(10,2) NOT NULL,
  tax_amt DECIMAL(10,2) NOT NULL,
  ot_hrs DOUBLE NOT NULL, -- overtime
  paid_dt DATE,
  corrected BOOLEAN NOT NULL
);
CREATE TABLE allowance (
  alw_id INTEGER PRIMARY KEY,
  emp_no INTEGER NOT NULL REFERENCES emp (emp_no),
  alw_type VARCHAR NOT NULL,
  amt DECIMAL(10,2) NOT NULL, -- monthly
  valid_to DATE
);
CREATE TABLE absence (
  abs_id INTEGER PRIMARY KEY,
  emp_no INTEGER NOT NULL REFERENCES emp (emp_no),
  abs_type VARCHAR NOT NULL,
  from_dt DATE NOT NULL,
  to_dt DATE,
  days INTEGER NOT NULL,
  is_paid BOOLEAN NOT NULL,
  appr_by INTEGER REFERENCES emp (emp_no)
);
