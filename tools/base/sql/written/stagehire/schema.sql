CREATE TABLE venue (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  capacity INTEGER NOT NULL, -- people
  seating VARCHAR NOT NULL,
  outdoor BOOLEAN NOT NULL,
  day_rate DECIMAL(10, 2) NOT NULL -- EUR
);
CREATE TABLE act (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  genre VARCHAR NOT NULL,
  members INTEGER NOT NULL,
  founded INTEGER, -- year
  home_country VARCHAR
);
CREATE TABLE promoter (
  id INTEGER PRIMARY KEY,
  company VARCHAR NOT NULL,
  contact VARCHAR,
  email VARCHAR,
  blacklisted BOOLEAN NOT NULL
);
CREATE TABLE booking (
  id INTEGER PRIMARY KEY,
  venue_id INTEGER NOT NULL REFERENCES venue (id),
  promoter_id INTEGER NOT NULL REFERENCES promoter (id),
  headliner_id INTEGER NOT NULL REFERENCES act (id),
  support_id INTEGER REFERENCES act (id),
  show_date DATE NOT NULL,
  status VARCHAR NOT NULL,
  tickets_sold INTEGER NOT NULL,
  ticket_price DECIMAL(10, 2) NOT NULL, -- EUR
  deposit_paid DATE
);
CREATE TABLE bar_sale (
  id INTEGER PRIMARY KEY,
  booking_id INTEGER NOT NULL REFERENCES booking (id),
  item VARCHAR NOT NULL,
  units INTEGER NOT NULL,
  revenue DECIMAL(10, 2) NOT NULL
);
