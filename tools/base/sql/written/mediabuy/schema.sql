CREATE TABLE t_client (
  cl_id INTEGER PRIMARY KEY,
  cl_name VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  key_acct BOOLEAN NOT NULL -- key account
);
CREATE TABLE t_staff (
  st_id INTEGER PRIMARY KEY,
  st_name VARCHAR NOT NULL,
  dept VARCHAR NOT NULL,
  boss_id INTEGER REFERENCES t_staff (st_id),
  start_dt DATE NOT NULL
);
CREATE TABLE t_camp (
  cp_id INTEGER PRIMARY KEY,
  cp_name VARCHAR NOT NULL,
  cl_id INTEGER NOT NULL REFERENCES t_client (cl_id),
  planner_id INTEGER REFERENCES t_staff (st_id),
  goal VARCHAR NOT NULL,
  stat VARCHAR NOT NULL,
  budget DECIMAL(10, 2) NOT NULL, -- EUR
  start_dt DATE NOT NULL,
  end_dt DATE -- empty when open-ended
);
CREATE TABLE t_chan (
  ch_id INTEGER PRIMARY KEY,
  ch_name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL
);
CREATE TABLE t_book (
  bk_id INTEGER PRIMARY KEY,
  cp_id INTEGER NOT NULL REFERENCES t_camp (cp_id),
  ch_id INTEGER NOT NULL REFERENCES t_chan (ch_id),
  booked_dt DATE NOT NULL,
  cost DECIMAL(10, 2) NOT NULL, -- EUR
  impr BIGINT NOT NULL, -- impressions
  clicks INTEGER -- empty for offline media
);
