CREATE TABLE squad (
  squad_code VARCHAR PRIMARY KEY,
  squad_name VARCHAR NOT NULL,
  product_area VARCHAR NOT NULL
);
CREATE TABLE researcher (
  researcher_no INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  squad_code VARCHAR REFERENCES squad (squad_code),
  seniority VARCHAR NOT NULL
);
CREATE TABLE experiment (
  exp_no INTEGER PRIMARY KEY,
  codename VARCHAR NOT NULL,
  hypothesis VARCHAR,
  squad_code VARCHAR NOT NULL REFERENCES squad (squad_code),
  lead_no INTEGER REFERENCES researcher (researcher_no),
  reviewer_no INTEGER REFERENCES researcher (researcher_no),
  phase VARCHAR NOT NULL,
  began DATE,
  ended DATE,
  traffic_pct INTEGER NOT NULL -- percent of users in the test
);
CREATE TABLE variant (
  variant_no INTEGER PRIMARY KEY,
  exp_no INTEGER NOT NULL REFERENCES experiment (exp_no),
  label VARCHAR NOT NULL,
  is_control BOOLEAN NOT NULL,
  users_exposed INTEGER NOT NULL
);
CREATE TABLE outcome (
  outcome_no INTEGER PRIMARY KEY,
  variant_no INTEGER NOT NULL REFERENCES variant (variant_no),
  metric_name VARCHAR NOT NULL,
  uplift DOUBLE NOT NULL, -- percent against control
  p_value DOUBLE NOT NULL,
  significant BOOLEAN NOT NULL,
  measured DATE NOT NULL
);
