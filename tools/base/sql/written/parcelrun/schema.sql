CREATE TABLE depot (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  opened DATE NOT NULL,
  night_sorting BOOLEAN NOT NULL
);
CREATE TABLE courier (
  id INTEGER PRIMARY KEY,
  firstName VARCHAR NOT NULL,
  lastName VARCHAR NOT NULL,
  vehicle VARCHAR NOT NULL,
  rating DOUBLE, -- stars 1 to 5, empty for new ones
  hourlyWage DECIMAL(10,2) NOT NULL, -- GBP
  hiredOn DATE NOT NULL,
  depotId INTEGER NOT NULL REFERENCES depot (id)
);
CREATE TABLE customer (
  id INTEGER PRIMARY KEY,
  displayName VARCHAR NOT NULL,
  segment VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  signedUp DATE NOT NULL,
  newsletter BOOLEAN NOT NULL
);
CREATE TABLE parcel (
  id BIGINT PRIMARY KEY,
  trackingCode VARCHAR NOT NULL,
  senderId INTEGER NOT NULL REFERENCES customer (id),
  recipientId INTEGER NOT NULL REFERENCES customer (id),
  courierId INTEGER REFERENCES courier (id),
  service VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  weightKg DOUBLE NOT NULL,
  price DECIMAL(10,2) NOT NULL, -- GBP
  bookedAt TIMESTAMP NOT NULL,
  deliveredAt TIMESTAMP
);
CREATE TABLE claim (
  id INTEGER PRIMARY KEY,
  parcelId BIGINT NOT NULL REFERENCES parcel (id),
  reason VARCHAR NOT NULL,
  amount DECIMAL(10,2) NOT NULL, -- GBP
  filedOn DATE NOT NULL,
  accepted BOOLEAN -- empty while undecided
);
