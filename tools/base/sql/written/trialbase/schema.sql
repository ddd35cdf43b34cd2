CREATE TABLE sponsors (
  sponsor_id INTEGER PRIMARY KEY,
  sponsor_name VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  country VARCHAR NOT NULL
);
CREATE TABLE trials (
  trial_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  sponsor_id INTEGER NOT NULL REFERENCES sponsors (sponsor_id),
  phase VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  disease VARCHAR NOT NULL,
  target_enrolment INTEGER NOT NULL, -- participants planned
  budget DECIMAL(10, 2), -- USD
  first_dosing DATE,
  double_blind BOOLEAN NOT NULL
);
CREATE TABLE sites (
  site_id INTEGER PRIMARY KEY,
  site_name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  investigator VARCHAR,
  opened DATE
);
CREATE TABLE participants (
  participant_id INTEGER PRIMARY KEY,
  trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
  site_id INTEGER NOT NULL REFERENCES sites (site_id),
  arm VARCHAR NOT NULL,
  sex VARCHAR NOT NULL,
  age INTEGER NOT NULL,
  weight_kg DOUBLE,
  enrolled DATE NOT NULL,
  withdrew DATE -- empty while still in the trial
);
CREATE TABLE adverse_events (
  event_id INTEGER PRIMARY KEY,
  participant_id INTEGER NOT NULL REFERENCES participants (participant_id),
  symptom VARCHAR NOT NULL,
  severity VARCHAR NOT NULL,
  drug_related BOOLEAN NOT NULL,
  started TIMESTAMP NOT NULL,
  resolved TIMESTAMP
);
