CREATE TABLE sc_hub (
  hub_cd VARCHAR PRIMARY KEY,
  hub_descr VARCHAR NOT NULL,
  boro VARCHAR NOT NULL,
  cap INTEGER NOT NULL, -- scooters that fit
  covered BOOLEAN NOT NULL
);
CREATE TABLE sc_mdl (
  mdl_id INTEGER PRIMARY KEY,
  mdl_nm VARCHAR NOT NULL,
  maker VARCHAR NOT NULL,
  vmax_kmh INTEGER NOT NULL,
  range_km INTEGER NOT NULL,
  wt_kg DOUBLE NOT NULL
);
CREATE TABLE sc_unit (
  unit_no INTEGER PRIMARY KEY,
  mdl_id INTEGER NOT NULL REFERENCES sc_mdl (mdl_id),
  hub_cd VARCHAR REFERENCES sc_hub (hub_cd), -- empty when left on the street
  batt_pct INTEGER NOT NULL,
  stat VARCHAR NOT NULL,
  bought_dt DATE NOT NULL,
  last_ping_ts TIMESTAMP
);
CREATE TABLE sc_rider (
  rider_id INTEGER PRIMARY KEY,
  nick VARCHAR NOT NULL,
  birth_yr INTEGER,
  pass_type VARCHAR NOT NULL,
  bal_eur DECIMAL(10,2) NOT NULL,
  id_verified BOOLEAN NOT NULL,
  signup_dt DATE NOT NULL
);
CREATE TABLE sc_ride (
  ride_id BIGINT PRIMARY KEY,
  unit_no INTEGER NOT NULL REFERENCES sc_unit (unit_no),
  rider_id INTEGER NOT NULL REFERENCES sc_rider (rider_id),
  start_hub VARCHAR REFERENCES sc_hub (hub_cd),
  end_hub VARCHAR REFERENCES sc_hub (hub_cd),
  start_ts TIMESTAMP NOT NULL,
  dur_min INTEGER,
  dist_m INTEGER, -- metres
  fare_eur DECIMAL(10,2)
);
CREATE TABLE sc_crew (
  crew_id INTEGER PRIMARY KEY,
  crew_nm VARCHAR NOT NULL,
  shift VARCHAR NOT NULL,
  vehicle VARCHAR
);
CREATE TABLE sc_task (
  task_id INTEGER PRIMARY KEY,
  unit_no INTEGER NOT NULL REFERENCES sc_unit (unit_no),
  crew_id INTEGER REFERENCES sc_crew (crew_id),
  kind VARCHAR NOT NULL,
  prio INTEGER NOT NULL, -- 1 is most urgent
  opened_ts TIMESTAMP NOT NULL,
  done_ts TIMESTAMP
);
