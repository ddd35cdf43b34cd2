CREATE TABLE t_line (
  ln_no INTEGER PRIMARY KEY,
  ln_colour VARCHAR NOT NULL,
  ln_len_km DOUBLE NOT NULL,
  ln_night BOOLEAN NOT NULL,
  ln_since DATE NOT NULL
);
CREATE TABLE t_stop (
  st_id INTEGER PRIMARY KEY,
  st_name VARCHAR NOT NULL,
  st_zone VARCHAR NOT NULL,
  st_step_free BOOLEAN NOT NULL,
  st_shelter BOOLEAN NOT NULL,
  st_pax_day INTEGER -- passengers per day
);
CREATE TABLE t_line_stop (
  ln_no INTEGER NOT NULL REFERENCES t_line (ln_no),
  st_id INTEGER NOT NULL REFERENCES t_stop (st_id),
  seq INTEGER NOT NULL,
  PRIMARY KEY (ln_no, st_id)
);
CREATE TABLE t_veh (
  veh_id INTEGER PRIMARY KEY,
  veh_model VARCHAR NOT NULL,
  veh_built INTEGER NOT NULL, -- year
  veh_seats INTEGER NOT NULL,
  veh_state VARCHAR NOT NULL,
  depot VARCHAR NOT NULL,
  last_insp DATE
);
CREATE TABLE t_driver (
  drv_id INTEGER PRIMARY KEY,
  drv_name VARCHAR NOT NULL,
  hired DATE NOT NULL,
  hrs_week INTEGER NOT NULL,
  mentor_id INTEGER REFERENCES t_driver (drv_id)
);
CREATE TABLE t_trip (
  trip_id BIGINT PRIMARY KEY,
  ln_no INTEGER NOT NULL REFERENCES t_line (ln_no),
  veh_id INTEGER NOT NULL REFERENCES t_veh (veh_id),
  drv_id INTEGER NOT NULL REFERENCES t_driver (drv_id),
  dep_ts TIMESTAMP NOT NULL,
  delay_min INTEGER NOT NULL, -- minutes
  cancelled BOOLEAN NOT NULL,
  reason VARCHAR
);
