CREATE TABLE dealers (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  trust_grade VARCHAR, -- A best
  since DATE
);
CREATE TABLE restorers (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  craft VARCHAR NOT NULL,
  day_rate DECIMAL(10, 2) NOT NULL -- GBP
);
CREATE TABLE pieces (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  era VARCHAR NOT NULL,
  made_year INTEGER, -- empty if unknown
  wood VARCHAR,
  bought_from INTEGER REFERENCES dealers (id), -- empty for house clearances
  bought_on DATE NOT NULL,
  cost DECIMAL(10, 2) NOT NULL, -- GBP
  asking_price DECIMAL(10, 2) NOT NULL, -- GBP
  authenticated BOOLEAN NOT NULL
);
CREATE TABLE repairs (
  id INTEGER PRIMARY KEY,
  piece_id INTEGER NOT NULL REFERENCES pieces (id),
  restorer_id INTEGER NOT NULL REFERENCES restorers (id),
  started DATE NOT NULL,
  finished DATE,
  hours DOUBLE,
  fee DECIMAL(10, 2)
);
CREATE TABLE sales (
  id INTEGER PRIMARY KEY,
  piece_id INTEGER NOT NULL REFERENCES pieces (id),
  buyer VARCHAR NOT NULL,
  channel VARCHAR NOT NULL,
  sold_on DATE NOT NULL,
  price DECIMAL(10, 2) NOT NULL,
  delivered BOOLEAN NOT NULL
);
