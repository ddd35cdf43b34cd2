CREATE TABLE Gletscher (
  gl_id INTEGER PRIMARY KEY,
  gl_name VARCHAR NOT NULL,
  mountain_range VARCHAR NOT NULL,
  area_km2 DOUBLE NOT NULL,
  ice_type VARCHAR NOT NULL,
  tongue_alt INTEGER, -- metres
  debris_covered BOOLEAN NOT NULL
);
CREATE TABLE Surveyor (
  sv_id INTEGER PRIMARY KEY,
  sv_name VARCHAR NOT NULL,
  affiliation VARCHAR NOT NULL,
  born DATE,
  volunteer BOOLEAN NOT NULL
);
CREATE TABLE Survey (
  survey_id INTEGER PRIMARY KEY,
  gl_id INTEGER NOT NULL REFERENCES Gletscher (gl_id),
  lead_id INTEGER NOT NULL REFERENCES Surveyor (sv_id),
  helper_id INTEGER REFERENCES Surveyor (sv_id),
  survey_date DATE NOT NULL,
  method VARCHAR NOT NULL,
  length_change DOUBLE, -- metres, negative = retreat
  days_in_field INTEGER NOT NULL
);
CREATE TABLE Stake (
  stake_id INTEGER PRIMARY KEY,
  gl_id INTEGER NOT NULL REFERENCES Gletscher (gl_id),
  label VARCHAR NOT NULL,
  drilled DATE NOT NULL,
  zone VARCHAR NOT NULL,
  still_standing BOOLEAN NOT NULL
);
CREATE TABLE StakeReading (
  reading_id INTEGER PRIMARY KEY,
  stake_id INTEGER NOT NULL REFERENCES Stake (stake_id),
  survey_id INTEGER NOT NULL REFERENCES Survey (survey_id),
  melt_cm DOUBLE NOT NULL,
  snow_cm DOUBLE,
  note VARCHAR
);
