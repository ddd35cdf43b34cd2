CREATE TABLE by_basin (
  basin_id INTEGER PRIMARY KEY,
  basin VARCHAR NOT NULL,
  ocean VARCHAR NOT NULL,
  mean_depth INTEGER NOT NULL -- metres
);
CREATE TABLE by_sponsor (
  sponsor_id INTEGER PRIMARY KEY,
  sponsor VARCHAR NOT NULL,
  sponsor_type VARCHAR NOT NULL,
  yearly_grant DECIMAL(10, 2) NOT NULL -- USD
);
CREATE TABLE by_buoy (
  buoy_no INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  hull VARCHAR NOT NULL,
  basin_id INTEGER NOT NULL REFERENCES by_basin (basin_id),
  anchored BOOLEAN NOT NULL,
  deployed DATE NOT NULL,
  lost_since DATE, -- no signal since
  sponsor_id INTEGER REFERENCES by_sponsor (sponsor_id)
);
CREATE TABLE by_obs (
  obs_id BIGINT PRIMARY KEY,
  buoy_no INTEGER NOT NULL REFERENCES by_buoy (buoy_no),
  obs_time TIMESTAMP NOT NULL,
  water_temp DOUBLE, -- celsius
  wave_height DOUBLE, -- metres
  wind_knots DOUBLE,
  battery_v DOUBLE NOT NULL
);
CREATE TABLE by_repair (
  repair_id INTEGER PRIMARY KEY,
  buoy_no INTEGER NOT NULL REFERENCES by_buoy (buoy_no),
  vessel VARCHAR NOT NULL,
  repair_date DATE NOT NULL,
  fault VARCHAR NOT NULL,
  cost DECIMAL(10, 2) NOT NULL,
  successful BOOLEAN NOT NULL
);
