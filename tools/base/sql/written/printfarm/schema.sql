CREATE TABLE printer (
  printer_id VARCHAR PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  technology VARCHAR NOT NULL,
  bed_mm INTEGER NOT NULL, -- edge of the build plate
  nozzle_mm DOUBLE,
  enclosed BOOLEAN NOT NULL,
  acquired DATE NOT NULL
);
CREATE TABLE material (
  material_id INTEGER PRIMARY KEY,
  material_name VARCHAR NOT NULL,
  polymer VARCHAR NOT NULL,
  colour VARCHAR NOT NULL,
  price_kg DECIMAL(10,2) NOT NULL, -- EUR per kilogram
  stock_g INTEGER NOT NULL, -- grams
  food_safe BOOLEAN NOT NULL
);
CREATE TABLE maker (
  maker_id INTEGER PRIMARY KEY,
  handle VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  member_since DATE NOT NULL,
  credit DECIMAL(10,2) NOT NULL
);
CREATE TABLE model_file (
  file_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  designer_id INTEGER NOT NULL REFERENCES maker (maker_id),
  licence VARCHAR NOT NULL,
  size_mb DOUBLE NOT NULL,
  downloads INTEGER NOT NULL,
  uploaded TIMESTAMP NOT NULL
);
CREATE TABLE print_job (
  job_id INTEGER PRIMARY KEY,
  file_id INTEGER NOT NULL REFERENCES model_file (file_id),
  printer_id VARCHAR REFERENCES printer (printer_id), -- empty while waiting
  material_id INTEGER NOT NULL REFERENCES material (material_id),
  client_id INTEGER NOT NULL REFERENCES maker (maker_id),
  queued_at TIMESTAMP NOT NULL,
  hours DOUBLE,
  grams INTEGER,
  result VARCHAR NOT NULL,
  rush BOOLEAN NOT NULL,
  charge DECIMAL(10,2) NOT NULL
);
