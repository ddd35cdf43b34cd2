CREATE TABLE grp (
  grp_id INTEGER PRIMARY KEY,
  grp_name VARCHAR NOT NULL,
  room_no VARCHAR NOT NULL,
  places INTEGER NOT NULL,
  min_age INTEGER NOT NULL, -- years
  all_day BOOLEAN NOT NULL
);
CREATE TABLE child (
  child_id INTEGER PRIMARY KEY,
  first_nm VARCHAR NOT NULL,
  last_nm VARCHAR NOT NULL,
  birth_dt DATE NOT NULL,
  sex VARCHAR NOT NULL,
  grp_id INTEGER REFERENCES grp (grp_id), -- empty on the waiting list
  entry_dt DATE,
  diet VARCHAR,
  nap BOOLEAN NOT NULL
);
CREATE TABLE guardian (
  guardian_id INTEGER PRIMARY KEY,
  full_nm VARCHAR NOT NULL,
  mobile VARCHAR,
  email VARCHAR,
  lang VARCHAR NOT NULL
);
CREATE TABLE child_guardian (
  child_id INTEGER NOT NULL REFERENCES child (child_id),
  guardian_id INTEGER NOT NULL REFERENCES guardian (guardian_id),
  relation VARCHAR NOT NULL,
  may_collect BOOLEAN NOT NULL,
  PRIMARY KEY (child_id, guardian_id)
);
CREATE TABLE educator (
  educator_id INTEGER PRIMARY KEY,
  full_nm VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  grp_id INTEGER REFERENCES grp (grp_id),
  hours_wk DOUBLE NOT NULL,
  first_aid_until DATE
);
CREATE TABLE absence (
  absence_id INTEGER PRIMARY KEY,
  child_id INTEGER NOT NULL REFERENCES child (child_id),
  from_dt DATE NOT NULL,
  days INTEGER NOT NULL,
  cause VARCHAR,
  excused BOOLEAN NOT NULL
);
CREATE TABLE invoice (
  inv_no INTEGER PRIMARY KEY,
  child_id INTEGER NOT NULL REFERENCES child (child_id),
  issued DATE NOT NULL,
  amt DECIMAL(10, 2) NOT NULL, -- EUR
  kind VARCHAR NOT NULL,
  paid_dt DATE
);
