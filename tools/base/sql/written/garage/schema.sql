CREATE TABLE client (
  client_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  phone VARCHAR,
  company_car_fleet BOOLEAN NOT NULL
);
CREATE TABLE vehicle (
  vehicle_id INTEGER PRIMARY KEY,
  reg_plate VARCHAR NOT NULL,
  make VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  fuel VARCHAR NOT NULL,
  first_registered DATE NOT NULL,
  mileage INTEGER NOT NULL, -- km
  client_id INTEGER NOT NULL REFERENCES client (client_id)
);
CREATE TABLE mechanic (
  mechanic_id INTEGER PRIMARY KEY,
  mech_name VARCHAR NOT NULL,
  speciality VARCHAR NOT NULL,
  hourly_rate DECIMAL(10,2) NOT NULL, -- EUR
  master BOOLEAN NOT NULL, -- master craftsman
  trained_by INTEGER REFERENCES mechanic (mechanic_id)
);
CREATE TABLE work_order (
  wo_id INTEGER PRIMARY KEY,
  vehicle_id INTEGER NOT NULL REFERENCES vehicle (vehicle_id),
  mechanic_id INTEGER REFERENCES mechanic (mechanic_id),
  job VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  brought_in DATE NOT NULL,
  collected DATE, -- empty while the car is here
  hours DOUBLE,
  bill DECIMAL(10,2), -- EUR
  warranty BOOLEAN NOT NULL
);
CREATE TABLE part (
  part_id INTEGER PRIMARY KEY,
  part_name VARCHAR NOT NULL,
  brand VARCHAR NOT NULL,
  in_stock INTEGER NOT NULL,
  cost DECIMAL(10,2) NOT NULL -- EUR
);
CREATE TABLE part_used (
  wo_id INTEGER NOT NULL REFERENCES work_order (wo_id),
  part_id INTEGER NOT NULL REFERENCES part (part_id),
  pieces INTEGER NOT NULL,
  PRIMARY KEY (wo_id, part_id)
);
