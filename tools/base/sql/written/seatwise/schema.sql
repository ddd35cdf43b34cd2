CREATE TABLE publisher (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  hq_country VARCHAR NOT NULL,
  audit_risk VARCHAR -- our own estimate
);
CREATE TABLE product (
  id INTEGER PRIMARY KEY,
  publisherId INTEGER NOT NULL REFERENCES publisher (id),
  productName VARCHAR NOT NULL,
  purpose VARCHAR NOT NULL,
  openSource BOOLEAN NOT NULL,
  approved BOOLEAN NOT NULL,
  replacedById INTEGER REFERENCES product (id)
);
CREATE TABLE contract (
  id INTEGER PRIMARY KEY,
  productId INTEGER NOT NULL REFERENCES product (id),
  metric VARCHAR NOT NULL,
  seats INTEGER, -- empty if unlimited
  yearlyFee DECIMAL(10,2) NOT NULL, -- EUR
  startsOn DATE NOT NULL,
  endsOn DATE, -- empty if perpetual
  autoRenew BOOLEAN NOT NULL,
  noticeDays INTEGER
);
CREATE TABLE person (
  id INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  department VARCHAR NOT NULL,
  contractor BOOLEAN NOT NULL
);
CREATE TABLE assignment (
  id INTEGER PRIMARY KEY,
  contractId INTEGER NOT NULL REFERENCES contract (id),
  personId INTEGER NOT NULL REFERENCES person (id),
  assignedOn DATE NOT NULL,
  lastUsedAt TIMESTAMP, -- empty if never
  revokedOn DATE
);
