CREATE TABLE team (
  team_cd VARCHAR PRIMARY KEY,
  team_nm VARCHAR NOT NULL,
  lead_emp INTEGER
);
CREATE TABLE emp (
  emp_no INTEGER PRIMARY KEY,
  emp_nm VARCHAR NOT NULL,
  team_cd VARCHAR NOT NULL REFERENCES team (team_cd),
  hrs_wk INTEGER NOT NULL, -- contracted hours per week
  home_ofc BOOLEAN NOT NULL,
  start_dt DATE NOT NULL,
  leave_dt DATE
);
CREATE TABLE lang (
  emp_no INTEGER NOT NULL REFERENCES emp (emp_no),
  lang_cd VARCHAR NOT NULL,
  lvl VARCHAR NOT NULL,
  PRIMARY KEY (emp_no, lang_cd)
);
CREATE TABLE client (
  cl_no INTEGER PRIMARY KEY,
  cl_nm VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  fee_min DECIMAL(10,2) NOT NULL, -- EUR per minute
  contract_end DATE
);
CREATE TABLE call (
  call_no BIGINT PRIMARY KEY,
  cl_no INTEGER NOT NULL REFERENCES client (cl_no),
  emp_no INTEGER REFERENCES emp (emp_no), -- empty when nobody picked up
  direction VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  call_ts TIMESTAMP NOT NULL,
  wait_sec INTEGER NOT NULL,
  talk_sec INTEGER,
  outcome VARCHAR NOT NULL,
  score INTEGER -- caller's rating, 0 to 10
);
