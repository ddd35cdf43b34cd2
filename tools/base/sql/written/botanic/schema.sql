CREATE TABLE plant_families (
  family_id INTEGER PRIMARY KEY,
  family_name VARCHAR NOT NULL,
  german_name VARCHAR
);
CREATE TABLE taxa (
  taxon_id INTEGER PRIMARY KEY,
  scientific_name VARCHAR NOT NULL,
  english_name VARCHAR,
  family_id INTEGER NOT NULL REFERENCES plant_families (family_id),
  life_form VARCHAR NOT NULL,
  poisonous BOOLEAN NOT NULL,
  flower_colour VARCHAR,
  hardy_to INTEGER -- lowest temperature it survives, Celsius
);
CREATE TABLE garden_areas (
  area_code VARCHAR PRIMARY KEY,
  area_title VARCHAR NOT NULL,
  heated BOOLEAN NOT NULL,
  square_metres INTEGER NOT NULL,
  head_gardener_id INTEGER REFERENCES gardeners (gardener_id)
);
CREATE TABLE gardeners (
  gardener_id INTEGER PRIMARY KEY,
  gardener_name VARCHAR NOT NULL,
  apprentice BOOLEAN NOT NULL,
  entry_date DATE NOT NULL,
  hours_per_week INTEGER NOT NULL
);
CREATE TABLE accessions (
  accession_no VARCHAR PRIMARY KEY,
  taxon_id INTEGER NOT NULL REFERENCES taxa (taxon_id),
  area_code VARCHAR REFERENCES garden_areas (area_code),
  received DATE NOT NULL,
  origin VARCHAR NOT NULL,
  donor VARCHAR, -- institution it came from
  specimens INTEGER NOT NULL,
  condition VARCHAR NOT NULL
);
CREATE TABLE seed_lots (
  lot_id INTEGER PRIMARY KEY,
  accession_no VARCHAR NOT NULL REFERENCES accessions (accession_no),
  collected_on DATE NOT NULL,
  collected_by INTEGER REFERENCES gardeners (gardener_id),
  grams DOUBLE NOT NULL,
  germination_rate DOUBLE -- percent
);
CREATE TABLE guided_tours (
  tour_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  starts_at TIMESTAMP NOT NULL,
  guide_id INTEGER NOT NULL REFERENCES gardeners (gardener_id),
  fee DECIMAL(10, 2) NOT NULL, -- EUR, 0 for free tours
  participants INTEGER,
  tour_language VARCHAR NOT NULL
);
