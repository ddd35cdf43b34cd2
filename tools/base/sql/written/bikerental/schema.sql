CREATE TABLE stations (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  docks INTEGER NOT NULL,
  opened_on DATE NOT NULL,
  has_charger BOOLEAN NOT NULL
);
CREATE TABLE bikes (
  id INTEGER PRIMARY KEY,
  frame_no VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  station_id INTEGER REFERENCES stations (id), -- empty while on the road
  bought_on DATE NOT NULL,
  purchase_price DECIMAL(10, 2) NOT NULL, -- EUR
  odometer_km INTEGER NOT NULL
);
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  email VARCHAR,
  birth_year INTEGER,
  plan VARCHAR NOT NULL,
  joined_on DATE NOT NULL
);
CREATE TABLE rides (
  id BIGINT PRIMARY KEY,
  bike_id INTEGER NOT NULL REFERENCES bikes (id),
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  start_station_id INTEGER NOT NULL REFERENCES stations (id),
  end_station_id INTEGER REFERENCES stations (id),
  started_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP, -- empty while riding
  distance_km DOUBLE,
  fee DECIMAL(10, 2) -- EUR
);
CREATE TABLE repairs (
  id INTEGER PRIMARY KEY,
  bike_id INTEGER NOT NULL REFERENCES bikes (id),
  part VARCHAR NOT NULL,
  reported_on DATE NOT NULL,
  fixed_on DATE,
  cost DECIMAL(10, 2)
);
