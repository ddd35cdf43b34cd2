CREATE TABLE location (
  loc_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  floors INTEGER NOT NULL,
  dogs_allowed BOOLEAN NOT NULL,
  opened DATE NOT NULL
);
CREATE TABLE company (
  co_id INTEGER PRIMARY KEY,
  co_name VARCHAR NOT NULL,
  industry VARCHAR,
  headcount INTEGER NOT NULL
);
CREATE TABLE coworker (
  cw_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  co_id INTEGER REFERENCES company (co_id), -- empty for freelancers
  home_loc INTEGER NOT NULL REFERENCES location (loc_id),
  tier VARCHAR NOT NULL,
  monthly_fee DECIMAL(10,2) NOT NULL, -- EUR
  member_from DATE NOT NULL,
  member_to DATE -- empty while the membership runs
);
CREATE TABLE workspace (
  ws_id INTEGER PRIMARY KEY,
  loc_id INTEGER NOT NULL REFERENCES location (loc_id),
  ws_code VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  people INTEGER NOT NULL, -- how many can sit there
  has_screen BOOLEAN NOT NULL,
  window_side BOOLEAN NOT NULL,
  hourly DECIMAL(10,2) NOT NULL
);
CREATE TABLE reservation (
  res_id INTEGER PRIMARY KEY,
  ws_id INTEGER NOT NULL REFERENCES workspace (ws_id),
  cw_id INTEGER NOT NULL REFERENCES coworker (cw_id),
  begins TIMESTAMP NOT NULL,
  hours DOUBLE NOT NULL,
  checked_in BOOLEAN NOT NULL,
  note VARCHAR
);
CREATE TABLE invoice (
  inv_no INTEGER PRIMARY KEY,
  cw_id INTEGER NOT NULL REFERENCES coworker (cw_id),
  issued DATE NOT NULL,
  due DATE NOT NULL,
  total DECIMAL(10,2) NOT NULL,
  paid DATE
);
