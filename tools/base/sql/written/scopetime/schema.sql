CREATE TABLE tel (
  tel_cd VARCHAR PRIMARY KEY,
  tel_nm VARCHAR NOT NULL,
  mirror_m DOUBLE NOT NULL,
  site VARCHAR NOT NULL,
  alt_m INTEGER NOT NULL, -- above sea level
  first_light DATE
);
CREATE TABLE instr (
  instr_id INTEGER PRIMARY KEY,
  instr_nm VARCHAR NOT NULL,
  tel_cd VARCHAR NOT NULL REFERENCES tel (tel_cd),
  kind VARCHAR NOT NULL,
  offline BOOLEAN NOT NULL
);
CREATE TABLE pi (
  pi_id INTEGER PRIMARY KEY,
  pi_nm VARCHAR NOT NULL, -- principal investigator
  inst VARCHAR NOT NULL, -- institute
  student BOOLEAN NOT NULL
);
CREATE TABLE prop (
  prop_no VARCHAR PRIMARY KEY,
  title VARCHAR NOT NULL,
  pi_id INTEGER NOT NULL REFERENCES pi (pi_id),
  instr_id INTEGER NOT NULL REFERENCES instr (instr_id),
  topic VARCHAR NOT NULL,
  hrs_req DOUBLE NOT NULL,
  hrs_given DOUBLE, -- empty until decided
  grade VARCHAR,
  sub_dt DATE NOT NULL
);
CREATE TABLE night (
  night_id INTEGER PRIMARY KEY,
  prop_no VARCHAR NOT NULL REFERENCES prop (prop_no),
  obs_dt DATE NOT NULL,
  hrs_used DOUBLE NOT NULL,
  hrs_lost DOUBLE NOT NULL, -- weather and faults
  seeing DOUBLE, -- arcsec
  sky VARCHAR NOT NULL
);
