CREATE TABLE dig_sites (
  site_code VARCHAR PRIMARY KEY,
  site_name VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  rock VARCHAR NOT NULL,
  opened_year INTEGER NOT NULL,
  still_open BOOLEAN NOT NULL,
  elevation_m INTEGER
);
CREATE TABLE researchers (
  researcher_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  degree VARCHAR NOT NULL,
  home_institute VARCHAR NOT NULL,
  supervisor_id INTEGER REFERENCES researchers (researcher_id)
);
CREATE TABLE layers (
  layer_id INTEGER PRIMARY KEY,
  site_code VARCHAR NOT NULL REFERENCES dig_sites (site_code),
  layer_label VARCHAR NOT NULL,
  depth_top_cm INTEGER NOT NULL,
  depth_bottom_cm INTEGER NOT NULL,
  period VARCHAR NOT NULL
);
CREATE TABLE specimens (
  specimen_id INTEGER PRIMARY KEY,
  field_no VARCHAR NOT NULL,
  layer_id INTEGER NOT NULL REFERENCES layers (layer_id),
  found_by INTEGER REFERENCES researchers (researcher_id),
  found_on DATE NOT NULL,
  taxon VARCHAR, -- empty if unidentified
  body_part VARCHAR NOT NULL,
  length_mm DOUBLE,
  is_holotype BOOLEAN NOT NULL,
  storage VARCHAR NOT NULL
);
CREATE TABLE labs (
  lab_id INTEGER PRIMARY KEY,
  lab_name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  accredited BOOLEAN NOT NULL
);
CREATE TABLE datings (
  dating_id INTEGER PRIMARY KEY,
  specimen_id INTEGER NOT NULL REFERENCES specimens (specimen_id),
  lab_id INTEGER NOT NULL REFERENCES labs (lab_id),
  method VARCHAR NOT NULL,
  sent_on DATE NOT NULL,
  result_on DATE,
  age_ka DOUBLE, -- thousand years, empty until the result is in
  error_ka DOUBLE,
  contaminated BOOLEAN NOT NULL,
  fee DECIMAL(10,2) NOT NULL -- EUR
);
