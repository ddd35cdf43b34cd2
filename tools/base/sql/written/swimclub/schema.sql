CREATE TABLE squad (
  squad_code VARCHAR PRIMARY KEY,
  title VARCHAR NOT NULL,
  min_age INTEGER,
  max_age INTEGER,
  monthly_fee DECIMAL(10, 2) NOT NULL, -- EUR
  sessions_per_week INTEGER NOT NULL
);
CREATE TABLE coach (
  id INTEGER PRIMARY KEY,
  first_name VARCHAR NOT NULL,
  last_name VARCHAR NOT NULL,
  licence VARCHAR, -- empty if none
  volunteer BOOLEAN NOT NULL,
  boss_id INTEGER REFERENCES coach (id)
);
CREATE TABLE swimmer (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  gender VARCHAR NOT NULL,
  born DATE NOT NULL,
  squad_code VARCHAR REFERENCES squad (squad_code), -- empty while on the waiting list
  joined DATE NOT NULL,
  phone VARCHAR,
  medical_ok BOOLEAN NOT NULL
);
CREATE TABLE training (
  id INTEGER PRIMARY KEY,
  squad_code VARCHAR NOT NULL REFERENCES squad (squad_code),
  coach_id INTEGER REFERENCES coach (id),
  pool VARCHAR NOT NULL,
  starts TIMESTAMP NOT NULL,
  metres INTEGER,
  cancelled BOOLEAN NOT NULL
);
CREATE TABLE attendance (
  training_id INTEGER NOT NULL REFERENCES training (id),
  swimmer_id INTEGER NOT NULL REFERENCES swimmer (id),
  late BOOLEAN NOT NULL,
  PRIMARY KEY (training_id, swimmer_id)
);
CREATE TABLE race_result (
  id INTEGER PRIMARY KEY,
  swimmer_id INTEGER NOT NULL REFERENCES swimmer (id),
  meet VARCHAR NOT NULL,
  stroke VARCHAR NOT NULL,
  distance INTEGER NOT NULL, -- metres
  seconds DOUBLE NOT NULL,
  swum_on DATE NOT NULL,
  disqualified BOOLEAN NOT NULL,
  medal VARCHAR
);
