CREATE TABLE publisher (
  publisher_code VARCHAR PRIMARY KEY,
  label VARCHAR NOT NULL,
  home_country VARCHAR NOT NULL,
  indie BOOLEAN NOT NULL
);
CREATE TABLE game (
  game_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  publisher_code VARCHAR NOT NULL REFERENCES publisher (publisher_code),
  genre VARCHAR NOT NULL,
  age_rating INTEGER NOT NULL, -- minimum age
  max_players INTEGER NOT NULL,
  release_date DATE, -- empty if not announced
  list_price DECIMAL(10,2) NOT NULL -- EUR
);
CREATE TABLE edition (
  sku VARCHAR PRIMARY KEY,
  game_id INTEGER NOT NULL REFERENCES game (game_id),
  console VARCHAR NOT NULL,
  medium VARCHAR NOT NULL,
  units_in_stock INTEGER NOT NULL
);
CREATE TABLE shopper (
  shopper_id INTEGER PRIMARY KEY,
  gamer_tag VARCHAR NOT NULL,
  town VARCHAR,
  born DATE,
  club_member BOOLEAN NOT NULL,
  points INTEGER NOT NULL
);
CREATE TABLE purchase (
  purchase_id INTEGER PRIMARY KEY,
  shopper_id INTEGER NOT NULL REFERENCES shopper (shopper_id),
  bought_at TIMESTAMP NOT NULL,
  payment VARCHAR NOT NULL,
  shipped_on DATE,
  voucher_code VARCHAR
);
CREATE TABLE purchase_line (
  purchase_id INTEGER NOT NULL REFERENCES purchase (purchase_id),
  sku VARCHAR NOT NULL REFERENCES edition (sku),
  copies INTEGER NOT NULL,
  paid_each DECIMAL(10,2) NOT NULL, -- EUR
  PRIMARY KEY (purchase_id, sku)
);
