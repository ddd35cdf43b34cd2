CREATE TABLE green_coffee (
  gc_id INTEGER PRIMARY KEY,
  gc_name VARCHAR NOT NULL,
  origin VARCHAR NOT NULL,
  process VARCHAR NOT NULL,
  cup_score DOUBLE, -- 0 to 100
  bags_left INTEGER NOT NULL,
  buy_price_kg DECIMAL(10, 2) NOT NULL, -- EUR
  decaf BOOLEAN NOT NULL
);
CREATE TABLE roaster_machine (
  rm_id INTEGER PRIMARY KEY,
  rm_name VARCHAR NOT NULL,
  drum_kg INTEGER NOT NULL,
  burner VARCHAR NOT NULL,
  serviced_on DATE
);
CREATE TABLE staff (
  st_id INTEGER PRIMARY KEY,
  st_name VARCHAR NOT NULL,
  job VARCHAR NOT NULL,
  started DATE NOT NULL,
  part_time BOOLEAN NOT NULL
);
CREATE TABLE roast (
  ro_id INTEGER PRIMARY KEY,
  gc_id INTEGER NOT NULL REFERENCES green_coffee (gc_id),
  rm_id INTEGER NOT NULL REFERENCES roaster_machine (rm_id),
  roasted_by INTEGER NOT NULL REFERENCES staff (st_id),
  checked_by INTEGER REFERENCES staff (st_id),
  ro_start TIMESTAMP NOT NULL,
  secs INTEGER NOT NULL, -- seconds
  kg_in DOUBLE NOT NULL,
  kg_out DOUBLE NOT NULL,
  profile VARCHAR NOT NULL,
  dumped BOOLEAN NOT NULL
);
CREATE TABLE subscription (
  su_id INTEGER PRIMARY KEY,
  subscriber VARCHAR NOT NULL,
  gc_id INTEGER NOT NULL REFERENCES green_coffee (gc_id),
  grind VARCHAR NOT NULL,
  every_weeks INTEGER NOT NULL,
  grams INTEGER NOT NULL,
  price DECIMAL(10, 2) NOT NULL, -- EUR
  began DATE NOT NULL,
  paused_on DATE
);
