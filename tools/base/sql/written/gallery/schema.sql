CREATE TABLE artist (
  artist_id INTEGER PRIMARY KEY,
  artist_name VARCHAR NOT NULL,
  nationality VARCHAR NOT NULL,
  birth_year INTEGER NOT NULL,
  death_year INTEGER,
  represented BOOLEAN NOT NULL -- by us
);
CREATE TABLE collector (
  collector_id INTEGER PRIMARY KEY,
  collector_name VARCHAR NOT NULL,
  collector_type VARCHAR NOT NULL,
  residence VARCHAR NOT NULL,
  vip BOOLEAN NOT NULL,
  referred_by INTEGER REFERENCES collector (collector_id)
);
CREATE TABLE artwork (
  artwork_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  artist_id INTEGER NOT NULL REFERENCES artist (artist_id),
  medium VARCHAR NOT NULL,
  year_made INTEGER,
  height_cm DOUBLE NOT NULL,
  width_cm DOUBLE NOT NULL,
  asking_price DECIMAL(10, 2), -- USD, empty when not for sale
  storage_place VARCHAR,
  framed BOOLEAN NOT NULL
);
CREATE TABLE exhibition (
  exhibition_id INTEGER PRIMARY KEY,
  exhibition_name VARCHAR NOT NULL,
  curator VARCHAR NOT NULL,
  opening DATE NOT NULL,
  closing DATE NOT NULL,
  visitor_count INTEGER
);
CREATE TABLE exhibit (
  exhibition_id INTEGER NOT NULL REFERENCES exhibition (exhibition_id),
  artwork_id INTEGER NOT NULL REFERENCES artwork (artwork_id),
  wall VARCHAR NOT NULL,
  PRIMARY KEY (exhibition_id, artwork_id)
);
CREATE TABLE purchase (
  purchase_id INTEGER PRIMARY KEY,
  artwork_id INTEGER NOT NULL REFERENCES artwork (artwork_id),
  collector_id INTEGER NOT NULL REFERENCES collector (collector_id),
  purchase_date DATE NOT NULL,
  amount DECIMAL(10, 2) NOT NULL, -- USD
  discount_percent DOUBLE NOT NULL,
  delivered_on DATE
);
