CREATE TABLE stn (
  stn_id INTEGER PRIMARY KEY,
  stn_name VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  volunteer BOOLEAN NOT NULL, -- volunteer station
  bays INTEGER NOT NULL,
  built_yr INTEGER NOT NULL
);
CREATE TABLE ff (
  ff_id INTEGER PRIMARY KEY,
  ff_name VARCHAR NOT NULL,
  rnk VARCHAR NOT NULL,
  stn_id INTEGER NOT NULL REFERENCES stn (stn_id),
  dob DATE NOT NULL,
  joined_dt DATE NOT NULL,
  ba_ok BOOLEAN NOT NULL, -- fit for breathing apparatus
  left_dt DATE
);
CREATE TABLE appliance (
  app_id INTEGER PRIMARY KEY,
  callsign VARCHAR NOT NULL,
  app_type VARCHAR NOT NULL,
  stn_id INTEGER REFERENCES stn (stn_id),
  tank_l INTEGER, -- litres of water, empty if it carries none
  in_svc_dt DATE NOT NULL,
  off_road BOOLEAN NOT NULL
);
CREATE TABLE incident (
  inc_id INTEGER PRIMARY KEY,
  inc_type VARCHAR NOT NULL,
  street VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  alarm_ts TIMESTAMP NOT NULL,
  closed_ts TIMESTAMP, -- empty while running
  alarm_lvl INTEGER NOT NULL, -- 1 small to 5 huge
  injured INTEGER NOT NULL,
  damage_eur DECIMAL(10,2),
  officer_id INTEGER REFERENCES ff (ff_id), -- officer in command
  first_stn INTEGER REFERENCES stn (stn_id), -- station first on scene
  false_alarm BOOLEAN NOT NULL
);
CREATE TABLE dispatch (
  disp_id INTEGER PRIMARY KEY,
  inc_id INTEGER NOT NULL REFERENCES incident (inc_id),
  app_id INTEGER NOT NULL REFERENCES appliance (app_id),
  crew_sz INTEGER NOT NULL,
  resp_min DOUBLE -- minutes until arrival
);
CREATE TABLE hydrant (
  hyd_no INTEGER PRIMARY KEY,
  street VARCHAR NOT NULL,
  hyd_type VARCHAR NOT NULL,
  flow_lpm INTEGER NOT NULL, -- litres per minute
  last_test DATE,
  defective BOOLEAN NOT NULL
);
