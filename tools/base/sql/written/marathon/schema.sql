CREATE TABLE race_event (
  ev_id INTEGER PRIMARY KEY,
  ev_name VARCHAR NOT NULL,
  distance_km DOUBLE NOT NULL,
  race_day DATE NOT NULL,
  max_starters INTEGER,
  entry_fee DECIMAL(8,2) NOT NULL, -- EUR
  climb_m INTEGER -- metres of ascent
);
CREATE TABLE club (
  club_id INTEGER PRIMARY KEY,
  club_name VARCHAR NOT NULL,
  town VARCHAR,
  founded INTEGER
);
CREATE TABLE runner (
  runner_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  sex VARCHAR NOT NULL,
  nation VARCHAR NOT NULL,
  birth_yr INTEGER NOT NULL,
  club_id INTEGER REFERENCES club (club_id),
  coach_id INTEGER REFERENCES runner (runner_id)
);
CREATE TABLE race_entry (
  bib INTEGER PRIMARY KEY,
  runner_id INTEGER NOT NULL REFERENCES runner (runner_id),
  ev_id INTEGER NOT NULL REFERENCES race_event (ev_id),
  signed_up TIMESTAMP NOT NULL,
  paid BOOLEAN NOT NULL,
  start_wave VARCHAR,
  outcome VARCHAR, -- empty before the race
  net_min DOUBLE, -- finishing time in minutes
  overall_rank INTEGER,
  shirt VARCHAR
);
CREATE TABLE aid_station (
  aid_id INTEGER PRIMARY KEY,
  aid_name VARCHAR NOT NULL,
  ev_id INTEGER NOT NULL REFERENCES race_event (ev_id),
  km_mark DOUBLE NOT NULL,
  medical BOOLEAN NOT NULL
);
CREATE TABLE helper (
  helper_id INTEGER PRIMARY KEY,
  helper_name VARCHAR NOT NULL,
  aid_id INTEGER REFERENCES aid_station (aid_id),
  task VARCHAR NOT NULL,
  hrs INTEGER NOT NULL,
  first_time BOOLEAN NOT NULL
);
