CREATE TABLE light_station (
  ls_id INTEGER PRIMARY KEY,
  ls_name VARCHAR NOT NULL,
  coast VARCHAR NOT NULL,
  height_m DOUBLE NOT NULL, -- tower height, metres
  range_nm INTEGER NOT NULL, -- nautical miles
  built_on DATE,
  automated BOOLEAN NOT NULL,
  flash_colour VARCHAR NOT NULL,
  visitors_allowed BOOLEAN NOT NULL
);
CREATE TABLE keeper_staff (
  ks_id INTEGER PRIMARY KEY,
  ks_name VARCHAR NOT NULL,
  grade VARCHAR NOT NULL,
  home_ls_id INTEGER REFERENCES light_station (ls_id), -- empty for roving staff
  boss_id INTEGER REFERENCES keeper_staff (ks_id),
  joined DATE NOT NULL,
  pay DECIMAL(10, 2) NOT NULL -- GBP a month
);
CREATE TABLE lamp_outage (
  lo_id INTEGER PRIMARY KEY,
  ls_id INTEGER NOT NULL REFERENCES light_station (ls_id),
  began TIMESTAMP NOT NULL,
  mins_dark INTEGER, -- empty while still dark
  cause VARCHAR NOT NULL,
  reported_by INTEGER REFERENCES keeper_staff (ks_id)
);
CREATE TABLE supply_run (
  sr_id INTEGER PRIMARY KEY,
  ls_id INTEGER NOT NULL REFERENCES light_station (ls_id),
  vessel VARCHAR NOT NULL,
  run_date DATE NOT NULL,
  diesel_l INTEGER NOT NULL, -- litres
  cost DECIMAL(10, 2) NOT NULL, -- GBP
  remarks VARCHAR
);
