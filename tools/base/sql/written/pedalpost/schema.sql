CREATE TABLE riders (
  rider_id INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  bike_type VARCHAR NOT NULL,
  zone VARCHAR NOT NULL,
  signed_up DATE NOT NULL,
  freelance BOOLEAN NOT NULL,
  rating DOUBLE -- 1 to 5, empty before the first review
);
CREATE TABLE clients (
  client_id INTEGER PRIMARY KEY,
  company VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  zone VARCHAR NOT NULL,
  monthly_flat DECIMAL(10, 2), -- EUR, empty for pay-as-you-go
  since DATE NOT NULL
);
CREATE TABLE drops (
  drop_id INTEGER PRIMARY KEY,
  client_id INTEGER NOT NULL REFERENCES clients (client_id),
  rider_id INTEGER REFERENCES riders (rider_id), -- empty until accepted
  ordered_at TIMESTAMP NOT NULL,
  delivered_at TIMESTAMP,
  urgency VARCHAR NOT NULL,
  km DOUBLE NOT NULL,
  weight_kg DOUBLE NOT NULL,
  price DECIMAL(10, 2) NOT NULL, -- EUR
  tip DECIMAL(10, 2) NOT NULL,
  contents VARCHAR
);
CREATE TABLE mishaps (
  mishap_id INTEGER PRIMARY KEY,
  drop_id INTEGER NOT NULL REFERENCES drops (drop_id),
  what VARCHAR NOT NULL,
  damage DECIMAL(10, 2), -- EUR
  insured BOOLEAN NOT NULL
);
