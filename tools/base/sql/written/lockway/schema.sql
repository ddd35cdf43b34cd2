CREATE TABLE canal (
  id INTEGER PRIMARY KEY,
  canalName VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  lengthKm DOUBLE NOT NULL,
  openedYear INTEGER NOT NULL,
  navigable BOOLEAN NOT NULL
);
CREATE TABLE lockSite (
  id INTEGER PRIMARY KEY,
  lockName VARCHAR NOT NULL,
  canalId INTEGER NOT NULL REFERENCES canal (id),
  riseM DOUBLE NOT NULL, -- metres
  chamberLengthM DOUBLE NOT NULL,
  operation VARCHAR NOT NULL,
  listedMonument BOOLEAN NOT NULL,
  lastDredged DATE
);
CREATE TABLE lockWarden (
  id INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  lockId INTEGER REFERENCES lockSite (id),
  volunteer BOOLEAN NOT NULL,
  startedOn DATE NOT NULL,
  hoursPerWeek INTEGER NOT NULL
);
CREATE TABLE boat (
  id INTEGER PRIMARY KEY,
  boatName VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  ownerName VARCHAR NOT NULL,
  lengthM DOUBLE NOT NULL,
  licenceUntil DATE NOT NULL,
  homeMooring VARCHAR -- empty for continuous cruisers
);
CREATE TABLE passage (
  id INTEGER PRIMARY KEY,
  lockId INTEGER NOT NULL REFERENCES lockSite (id),
  boatId INTEGER NOT NULL REFERENCES boat (id),
  enteredAt TIMESTAMP NOT NULL,
  direction VARCHAR NOT NULL,
  waitMin INTEGER NOT NULL, -- minutes queueing
  feeEur DECIMAL(10, 2) NOT NULL
);
CREATE TABLE closure (
  id INTEGER PRIMARY KEY,
  lockId INTEGER NOT NULL REFERENCES lockSite (id),
  reason VARCHAR NOT NULL,
  fromDate DATE NOT NULL,
  untilDate DATE -- empty when open-ended
);
