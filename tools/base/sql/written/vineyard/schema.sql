CREATE TABLE plots (
  plot_id INTEGER PRIMARY KEY,
  plot_name VARCHAR NOT NULL,
  grape VARCHAR NOT NULL,
  hectares DOUBLE NOT NULL,
  planted INTEGER NOT NULL, -- year
  slope VARCHAR,
  organic BOOLEAN NOT NULL
);
CREATE TABLE wines (
  wine_id INTEGER PRIMARY KEY,
  label VARCHAR NOT NULL,
  colour VARCHAR NOT NULL,
  vintage INTEGER NOT NULL,
  plot_id INTEGER REFERENCES plots (plot_id), -- empty for blends
  alcohol DOUBLE NOT NULL, -- percent
  price DECIMAL(10, 2) NOT NULL, -- EUR
  bottled DATE
);
CREATE TABLE buyers (
  buyer_id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  since DATE
);
CREATE TABLE orders (
  order_no INTEGER PRIMARY KEY,
  buyer_id INTEGER NOT NULL REFERENCES buyers (buyer_id),
  wine_id INTEGER NOT NULL REFERENCES wines (wine_id),
  bottles INTEGER NOT NULL,
  ordered TIMESTAMP NOT NULL,
  shipped DATE,
  paid BOOLEAN NOT NULL
);
