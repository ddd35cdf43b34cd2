CREATE TABLE t_dist (
  dist_cd VARCHAR PRIMARY KEY,
  dist_nm VARCHAR NOT NULL,
  popn INTEGER NOT NULL, -- inhabitants
  station_nm VARCHAR NOT NULL
);
CREATE TABLE t_off (
  badge_no INTEGER PRIMARY KEY,
  off_nm VARCHAR NOT NULL,
  rnk VARCHAR NOT NULL,
  dist_cd VARCHAR NOT NULL REFERENCES t_dist (dist_cd),
  hire_dt DATE NOT NULL,
  boss_badge INTEGER REFERENCES t_off (badge_no),
  on_leave BOOLEAN NOT NULL
);
CREATE TABLE t_veh (
  veh_id INTEGER PRIMARY KEY,
  call_sign VARCHAR NOT NULL,
  veh_typ VARCHAR NOT NULL,
  km INTEGER NOT NULL, -- odometer
  dist_cd VARCHAR REFERENCES t_dist (dist_cd)
);
CREATE TABLE t_inc (
  inc_no BIGINT PRIMARY KEY,
  offence VARCHAR NOT NULL,
  dist_cd VARCHAR NOT NULL REFERENCES t_dist (dist_cd),
  rep_ts TIMESTAMP NOT NULL, -- when it was reported
  resp_min INTEGER, -- minutes until the first car arrived
  lead_badge INTEGER REFERENCES t_off (badge_no),
  veh_id INTEGER REFERENCES t_veh (veh_id), -- first car on the scene
  stat VARCHAR NOT NULL,
  armed BOOLEAN NOT NULL,
  dmg_amt DECIMAL(10, 2), -- damage in USD
  street VARCHAR
);
CREATE TABLE t_pers (
  pers_id INTEGER PRIMARY KEY,
  inc_no BIGINT NOT NULL REFERENCES t_inc (inc_no),
  pers_nm VARCHAR,
  pers_role VARCHAR NOT NULL,
  age INTEGER,
  arrested BOOLEAN NOT NULL,
  injured BOOLEAN NOT NULL
);
