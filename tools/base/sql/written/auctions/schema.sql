CREATE TABLE specialist (
  spec_code VARCHAR PRIMARY KEY,
  spec_name VARCHAR NOT NULL,
  dept VARCHAR NOT NULL,
  years_exp INTEGER NOT NULL
);
CREATE TABLE party (
  party_id INTEGER PRIMARY KEY,
  party_name VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  vip BOOLEAN NOT NULL,
  registered DATE NOT NULL,
  credit_limit DECIMAL(10, 2) -- GBP
);
CREATE TABLE auction (
  auction_id INTEGER PRIMARY KEY,
  theme VARCHAR NOT NULL,
  held_on DATE NOT NULL,
  room VARCHAR NOT NULL,
  online_only BOOLEAN NOT NULL,
  auctioneer VARCHAR REFERENCES specialist (spec_code)
);
CREATE TABLE lot (
  lot_id INTEGER PRIMARY KEY,
  auction_id INTEGER NOT NULL REFERENCES auction (auction_id),
  title VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  period VARCHAR,
  est_low DECIMAL(10, 2) NOT NULL, -- GBP
  est_high DECIMAL(10, 2) NOT NULL, -- GBP
  hammer DECIMAL(10, 2), -- GBP, empty if unsold
  consignor_id INTEGER NOT NULL REFERENCES party (party_id),
  buyer_id INTEGER REFERENCES party (party_id)
);
CREATE TABLE bid (
  bid_id BIGINT PRIMARY KEY,
  lot_id INTEGER NOT NULL REFERENCES lot (lot_id),
  bidder_id INTEGER NOT NULL REFERENCES party (party_id),
  placed_at TIMESTAMP NOT NULL,
  amount DECIMAL(10, 2) NOT NULL, -- GBP
  channel VARCHAR NOT NULL
);
