CREATE TABLE growers (
  id INTEGER PRIMARY KEY,
  first_name VARCHAR NOT NULL,
  last_name VARCHAR NOT NULL,
  hamlet VARCHAR NOT NULL,
  trees INTEGER NOT NULL,
  coop_member BOOLEAN NOT NULL,
  joined_on DATE
);
CREATE TABLE olive_varieties (
  id INTEGER PRIMARY KEY,
  variety VARCHAR NOT NULL,
  colour VARCHAR NOT NULL,
  expected_yield_pct DOUBLE NOT NULL -- percent oil
);
CREATE TABLE harvest_loads (
  id INTEGER PRIMARY KEY,
  grower_id INTEGER NOT NULL REFERENCES growers (id),
  variety_id INTEGER NOT NULL REFERENCES olive_varieties (id),
  weighed_at TIMESTAMP NOT NULL,
  kg_olives DOUBLE NOT NULL,
  picking_method VARCHAR NOT NULL,
  damage_pct DOUBLE
);
CREATE TABLE tanks (
  id INTEGER PRIMARY KEY,
  tank_code VARCHAR NOT NULL,
  capacity_l INTEGER NOT NULL, -- litres
  material VARCHAR NOT NULL,
  last_cleaned DATE
);
CREATE TABLE pressings (
  id INTEGER PRIMARY KEY,
  load_id INTEGER NOT NULL REFERENCES harvest_loads (id),
  tank_id INTEGER REFERENCES tanks (id),
  pressed_on DATE NOT NULL,
  litres DOUBLE NOT NULL,
  acidity DOUBLE, -- percent
  oil_class VARCHAR NOT NULL,
  unfiltered BOOLEAN NOT NULL
);
CREATE TABLE bottle_orders (
  id INTEGER PRIMARY KEY,
  tank_id INTEGER NOT NULL REFERENCES tanks (id),
  client VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  bottles INTEGER NOT NULL,
  total_eur DECIMAL(10, 2) NOT NULL,
  ordered_on DATE NOT NULL,
  shipped_on DATE
);
