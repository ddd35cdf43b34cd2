CREATE TABLE stand (
  stand_no INTEGER PRIMARY KEY,
  stand_nm VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  area_ha DOUBLE NOT NULL,
  elev_m INTEGER NOT NULL, -- metres above sea level
  owner_type VARCHAR NOT NULL,
  protected BOOLEAN NOT NULL
);
CREATE TABLE tree_sp (
  sp_code VARCHAR PRIMARY KEY,
  common_nm VARCHAR NOT NULL,
  conifer BOOLEAN NOT NULL,
  wood_price DECIMAL(10, 2) -- EUR per cubic metre
);
CREATE TABLE ranger (
  ranger_id INTEGER PRIMARY KEY,
  ranger_nm VARCHAR NOT NULL,
  badge VARCHAR NOT NULL,
  sworn_in DATE NOT NULL,
  retired DATE
);
CREATE TABLE sample_plot (
  plot_id INTEGER PRIMARY KEY,
  stand_no INTEGER NOT NULL REFERENCES stand (stand_no),
  radius_m DOUBLE NOT NULL,
  surveyed DATE,
  surveyor_id INTEGER REFERENCES ranger (ranger_id),
  checker_id INTEGER REFERENCES ranger (ranger_id),
  dead_wood_m3 DOUBLE
);
CREATE TABLE tree (
  tree_id BIGINT PRIMARY KEY,
  plot_id INTEGER NOT NULL REFERENCES sample_plot (plot_id),
  sp_code VARCHAR NOT NULL REFERENCES tree_sp (sp_code),
  dbh_cm DOUBLE NOT NULL, -- diameter at breast height
  hgt_m DOUBLE, -- height in metres
  age_yr INTEGER,
  vitality VARCHAR NOT NULL,
  bark_beetle BOOLEAN NOT NULL
);
CREATE TABLE felling (
  felling_id INTEGER PRIMARY KEY,
  stand_no INTEGER NOT NULL REFERENCES stand (stand_no),
  felled_on DATE NOT NULL,
  vol_m3 DOUBLE NOT NULL, -- cubic metres of timber
  reason VARCHAR NOT NULL,
  contractor VARCHAR
);
