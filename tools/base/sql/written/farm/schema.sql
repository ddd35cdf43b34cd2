CREATE TABLE fields (
  field_id INTEGER PRIMARY KEY,
  field_name VARCHAR NOT NULL,
  hectares DOUBLE NOT NULL,
  soil VARCHAR NOT NULL,
  leased BOOLEAN NOT NULL,
  irrigated BOOLEAN NOT NULL
);
CREATE TABLE workers (
  worker_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  job VARCHAR NOT NULL,
  hourly_wage DECIMAL(10, 2) NOT NULL, -- EUR
  hired_on DATE NOT NULL,
  boss_id INTEGER REFERENCES workers (worker_id)
);
CREATE TABLE harvests (
  harvest_id INTEGER PRIMARY KEY,
  field_id INTEGER NOT NULL REFERENCES fields (field_id),
  crop VARCHAR NOT NULL,
  harvested_on DATE NOT NULL,
  tonnes DOUBLE NOT NULL,
  moisture DOUBLE, -- percent
  led_by INTEGER REFERENCES workers (worker_id)
);
CREATE TABLE animals (
  animal_id INTEGER PRIMARY KEY,
  ear_tag VARCHAR NOT NULL,
  species VARCHAR NOT NULL,
  breed VARCHAR,
  born DATE NOT NULL,
  weight_kg DOUBLE,
  sex VARCHAR NOT NULL,
  mother_id INTEGER REFERENCES animals (animal_id),
  sold_on DATE
);
CREATE TABLE vet_visits (
  visit_id INTEGER PRIMARY KEY,
  animal_id INTEGER NOT NULL REFERENCES animals (animal_id),
  visited_at TIMESTAMP NOT NULL,
  reason VARCHAR NOT NULL,
  cost DECIMAL(10, 2) NOT NULL, -- EUR
  vet VARCHAR NOT NULL
);
CREATE TABLE milkings (
  milking_id BIGINT PRIMARY KEY,
  animal_id INTEGER NOT NULL REFERENCES animals (animal_id),
  milked_at TIMESTAMP NOT NULL,
  litres DOUBLE NOT NULL
);
