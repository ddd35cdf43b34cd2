CREATE TABLE client (
  client_no INTEGER PRIMARY KEY,
  display_name VARCHAR NOT NULL,
  segment VARCHAR NOT NULL,
  city VARCHAR,
  referred_by INTEGER REFERENCES client (client_no),
  blacklisted BOOLEAN NOT NULL
);
CREATE TABLE photographer (
  ph_no INTEGER PRIMARY KEY,
  alias VARCHAR NOT NULL,
  speciality VARCHAR NOT NULL,
  day_rate DECIMAL(10,2) NOT NULL, -- USD
  in_house BOOLEAN NOT NULL,
  drives BOOLEAN NOT NULL
);
CREATE TABLE package (
  pkg_code VARCHAR PRIMARY KEY,
  pkg_title VARCHAR NOT NULL,
  base_price DECIMAL(10,2) NOT NULL, -- USD
  incl_prints INTEGER NOT NULL,
  incl_hours DOUBLE NOT NULL,
  discontinued BOOLEAN NOT NULL
);
CREATE TABLE shoot (
  shoot_no INTEGER PRIMARY KEY,
  client_no INTEGER NOT NULL REFERENCES client (client_no),
  lead_ph INTEGER REFERENCES photographer (ph_no),
  second_ph INTEGER REFERENCES photographer (ph_no),
  pkg_code VARCHAR REFERENCES package (pkg_code),
  shoot_start TIMESTAMP NOT NULL,
  setting VARCHAR NOT NULL,
  progress VARCHAR NOT NULL,
  frames INTEGER, -- pictures taken
  gallery_sent DATE,
  rating INTEGER -- 1 to 5, by the client
);
CREATE TABLE print_order (
  order_no INTEGER PRIMARY KEY,
  shoot_no INTEGER NOT NULL REFERENCES shoot (shoot_no),
  product VARCHAR NOT NULL,
  size_label VARCHAR NOT NULL,
  copies INTEGER NOT NULL,
  unit_price DECIMAL(10,2) NOT NULL, -- USD
  ordered_on DATE NOT NULL,
  handed_over DATE
);
CREATE TABLE gear (
  gear_tag VARCHAR PRIMARY KEY,
  model VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  bought_on DATE NOT NULL,
  purchase_price DECIMAL(10,2) NOT NULL,
  keeper INTEGER REFERENCES photographer (ph_no), -- empty when in the cupboard
  faulty BOOLEAN NOT NULL
);
