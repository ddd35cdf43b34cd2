CREATE TABLE pits (
  pit_id INTEGER PRIMARY KEY,
  pit_name VARCHAR NOT NULL,
  mineral VARCHAR NOT NULL,
  bench_depth_m INTEGER NOT NULL,
  active BOOLEAN NOT NULL
);
CREATE TABLE truck_models (
  model_id INTEGER PRIMARY KEY,
  model VARCHAR NOT NULL,
  manufacturer VARCHAR NOT NULL,
  payload_t INTEGER NOT NULL, -- tonnes
  drive VARCHAR NOT NULL,
  tank_l INTEGER -- litres of diesel, empty for battery trucks
);
CREATE TABLE trucks (
  truck_id INTEGER PRIMARY KEY,
  fleet_no VARCHAR NOT NULL,
  model_id INTEGER NOT NULL REFERENCES truck_models (model_id),
  home_pit_id INTEGER REFERENCES pits (pit_id),
  engine_hours INTEGER NOT NULL,
  bought DATE NOT NULL,
  condition VARCHAR NOT NULL,
  autonomous BOOLEAN NOT NULL
);
CREATE TABLE operators (
  operator_id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  shift VARCHAR NOT NULL,
  licence_until DATE NOT NULL,
  foreman_id INTEGER REFERENCES operators (operator_id)
);
CREATE TABLE hauls (
  haul_id BIGINT PRIMARY KEY,
  truck_id INTEGER NOT NULL REFERENCES trucks (truck_id),
  operator_id INTEGER REFERENCES operators (operator_id), -- empty when driverless
  pit_id INTEGER NOT NULL REFERENCES pits (pit_id),
  dumped_at TIMESTAMP NOT NULL,
  load_t DOUBLE NOT NULL,
  destination VARCHAR NOT NULL,
  cycle_min DOUBLE NOT NULL -- minutes per round trip
);
CREATE TABLE tyre_changes (
  change_id INTEGER PRIMARY KEY,
  truck_id INTEGER NOT NULL REFERENCES trucks (truck_id),
  wheel VARCHAR NOT NULL,
  changed_on DATE NOT NULL,
  reason VARCHAR,
  price DECIMAL(10,2) NOT NULL -- AUD
);
