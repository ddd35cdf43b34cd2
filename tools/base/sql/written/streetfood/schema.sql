CREATE TABLE tbl_market (
  mkt_id INTEGER PRIMARY KEY,
  mkt_name VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  weekday VARCHAR NOT NULL,
  opens_hr INTEGER NOT NULL, -- hour of the day
  closes_hr INTEGER NOT NULL,
  covered BOOLEAN NOT NULL, -- has a roof
  pitch_cnt INTEGER NOT NULL
);
CREATE TABLE tbl_trader (
  trd_id INTEGER PRIMARY KEY,
  trd_name VARCHAR NOT NULL,
  owner_name VARCHAR NOT NULL,
  cuisine VARCHAR NOT NULL,
  hyg_score INTEGER, -- 0 to 5, empty when not yet inspected
  insured_until DATE,
  halal BOOLEAN NOT NULL,
  started_on DATE NOT NULL
);
CREATE TABLE tbl_pitch (
  pitch_id INTEGER PRIMARY KEY,
  mkt_id INTEGER NOT NULL REFERENCES tbl_market (mkt_id),
  pitch_code VARCHAR NOT NULL,
  width_m DOUBLE NOT NULL,
  has_power BOOLEAN NOT NULL,
  has_water BOOLEAN NOT NULL,
  day_rent DECIMAL(10,2) NOT NULL -- GBP
);
CREATE TABLE tbl_booking (
  bkg_id INTEGER PRIMARY KEY,
  pitch_id INTEGER NOT NULL REFERENCES tbl_pitch (pitch_id),
  trd_id INTEGER NOT NULL REFERENCES tbl_trader (trd_id),
  mkt_date DATE NOT NULL,
  bkg_state VARCHAR NOT NULL,
  takings DECIMAL(10,2), -- GBP, self-reported
  paid_on DATE
);
CREATE TABLE tbl_dish (
  dish_id INTEGER PRIMARY KEY,
  trd_id INTEGER NOT NULL REFERENCES tbl_trader (trd_id),
  dish_name VARCHAR NOT NULL,
  price DECIMAL(10,2) NOT NULL, -- GBP
  diet VARCHAR,
  spicy_lvl INTEGER NOT NULL, -- 0 to 3
  wait_min INTEGER
);
