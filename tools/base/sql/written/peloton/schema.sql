CREATE TABLE tblTeam (
  team_cd VARCHAR PRIMARY KEY,
  team_nm VARCHAR NOT NULL,
  lic_country VARCHAR NOT NULL,
  division VARCHAR NOT NULL,
  bike_brand VARCHAR NOT NULL,
  budget_meur DOUBLE -- million EUR
);
CREATE TABLE tblRider (
  bib INTEGER PRIMARY KEY,
  rider_nm VARCHAR NOT NULL,
  team_cd VARCHAR NOT NULL REFERENCES tblTeam (team_cd),
  nat VARCHAR NOT NULL,
  dob DATE NOT NULL,
  weight_kg DOUBLE,
  speciality VARCHAR NOT NULL,
  debut BOOLEAN NOT NULL, -- first time in this tour
  quit_stage INTEGER -- stage of abandonment, empty if still in the race
);
CREATE TABLE tblStage (
  stage_no INTEGER PRIMARY KEY,
  stage_dt DATE NOT NULL,
  start_town VARCHAR NOT NULL,
  finish_town VARCHAR NOT NULL,
  km DOUBLE NOT NULL,
  climb_m INTEGER NOT NULL, -- metres of ascent
  profile VARCHAR NOT NULL,
  shortened BOOLEAN NOT NULL
);
CREATE TABLE tblResult (
  stage_no INTEGER NOT NULL REFERENCES tblStage (stage_no),
  bib INTEGER NOT NULL REFERENCES tblRider (bib),
  rank INTEGER, -- empty if outside the time limit
  time_sec INTEGER,
  gap_sec INTEGER, -- behind the winner
  bonus_sec INTEGER NOT NULL,
  PRIMARY KEY (stage_no, bib)
);
CREATE TABLE tblJersey (
  stage_no INTEGER NOT NULL REFERENCES tblStage (stage_no),
  colour VARCHAR NOT NULL,
  bib INTEGER NOT NULL REFERENCES tblRider (bib),
  PRIMARY KEY (stage_no, colour)
);
CREATE TABLE tblPenalty (
  pen_id INTEGER PRIMARY KEY,
  bib INTEGER NOT NULL REFERENCES tblRider (bib),
  stage_no INTEGER NOT NULL REFERENCES tblStage (stage_no),
  offence VARCHAR NOT NULL,
  fine_chf INTEGER NOT NULL,
  time_pen_sec INTEGER
);
