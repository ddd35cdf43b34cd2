CREATE TABLE agent (
  id INTEGER PRIMARY KEY,
  firstName VARCHAR NOT NULL,
  lastName VARCHAR NOT NULL,
  tierLevel INTEGER NOT NULL, -- 1 = first line, 3 = expert
  site VARCHAR NOT NULL,
  supervisorId INTEGER REFERENCES agent (id),
  hiredOn DATE NOT NULL
);
CREATE TABLE requester (
  id INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  department VARCHAR NOT NULL,
  isVip BOOLEAN NOT NULL
);
CREATE TABLE ticket (
  id INTEGER PRIMARY KEY,
  subject VARCHAR NOT NULL,
  channel VARCHAR NOT NULL,
  urgency VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  requesterId INTEGER NOT NULL REFERENCES requester (id),
  agentId INTEGER REFERENCES agent (id),
  createdAt TIMESTAMP NOT NULL,
  solvedAt TIMESTAMP,
  satisfaction INTEGER -- 1 to 5, given by the requester
);
CREATE TABLE asset (
  assetTag VARCHAR PRIMARY KEY,
  model VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  ownerId INTEGER REFERENCES requester (id),
  boughtOn DATE NOT NULL,
  priceEur DECIMAL(10,2) NOT NULL
);
CREATE TABLE ticketAsset (
  ticketId INTEGER NOT NULL REFERENCES ticket (id),
  assetTag VARCHAR NOT NULL REFERENCES asset (assetTag),
  PRIMARY KEY (ticketId, assetTag)
);
