CREATE TABLE designer (
  designer_no INTEGER PRIMARY KEY,
  designer_name VARCHAR NOT NULL,
  studio VARCHAR NOT NULL,
  freelance BOOLEAN NOT NULL
);
CREATE TABLE toy (
  toy_no INTEGER PRIMARY KEY,
  toy_name VARCHAR NOT NULL,
  line VARCHAR NOT NULL,
  main_material VARCHAR NOT NULL,
  min_age INTEGER NOT NULL, -- years
  max_age INTEGER,
  unit_cost DECIMAL(10, 2) NOT NULL, -- EUR
  list_price DECIMAL(10, 2) NOT NULL, -- EUR
  designer_no INTEGER REFERENCES designer (designer_no),
  launched DATE NOT NULL,
  discontinued BOOLEAN NOT NULL,
  needs_batteries BOOLEAN NOT NULL
);
CREATE TABLE batch (
  batch_no INTEGER PRIMARY KEY,
  toy_no INTEGER NOT NULL REFERENCES toy (toy_no),
  workshop VARCHAR NOT NULL,
  made_on DATE NOT NULL,
  pieces INTEGER NOT NULL,
  rejects INTEGER NOT NULL
);
CREATE TABLE safety_test (
  test_no INTEGER PRIMARY KEY,
  batch_no INTEGER NOT NULL REFERENCES batch (batch_no),
  test_kind VARCHAR NOT NULL,
  tested_on DATE NOT NULL,
  result VARCHAR NOT NULL,
  inspector VARCHAR
);
CREATE TABLE retailer (
  retailer_no INTEGER PRIMARY KEY,
  retailer_name VARCHAR NOT NULL,
  retailer_type VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  discount_pct DOUBLE NOT NULL -- percent
);
CREATE TABLE wholesale_order (
  order_no INTEGER PRIMARY KEY,
  retailer_no INTEGER NOT NULL REFERENCES retailer (retailer_no),
  toy_no INTEGER NOT NULL REFERENCES toy (toy_no),
  quantity INTEGER NOT NULL,
  ordered_on DATE NOT NULL,
  dispatched_on DATE,
  gift_wrap BOOLEAN NOT NULL
);
