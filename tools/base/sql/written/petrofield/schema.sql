CREATE TABLE field (
  fieldCode VARCHAR PRIMARY KEY,
  fieldName VARCHAR NOT NULL,
  basin VARCHAR NOT NULL,
  discoveredYear INTEGER NOT NULL,
  offshore BOOLEAN NOT NULL,
  partnerShare DOUBLE -- percent held by others
);
CREATE TABLE rig (
  rigId INTEGER PRIMARY KEY,
  rigName VARCHAR NOT NULL,
  rigType VARCHAR NOT NULL,
  dayRate INTEGER NOT NULL, -- USD
  contractEnds DATE
);
CREATE TABLE well (
  wellId INTEGER PRIMARY KEY,
  wellName VARCHAR NOT NULL,
  fieldCode VARCHAR NOT NULL REFERENCES field (fieldCode),
  drilledBy INTEGER REFERENCES rig (rigId),
  purpose VARCHAR NOT NULL,
  depthM INTEGER NOT NULL, -- metres
  spudDate DATE NOT NULL, -- drilling began
  state VARCHAR NOT NULL
);
CREATE TABLE production (
  prodId BIGINT PRIMARY KEY,
  wellId INTEGER NOT NULL REFERENCES well (wellId),
  prodDay DATE NOT NULL,
  oilBbl DOUBLE NOT NULL, -- barrels
  gasMcf DOUBLE NOT NULL,
  waterCut DOUBLE, -- percent
  hoursOn DOUBLE NOT NULL
);
CREATE TABLE incident (
  incidentId INTEGER PRIMARY KEY,
  wellId INTEGER REFERENCES well (wellId),
  rigId INTEGER REFERENCES rig (rigId),
  happenedAt TIMESTAMP NOT NULL,
  severity VARCHAR NOT NULL,
  injuries INTEGER NOT NULL,
  spillLitres DOUBLE,
  reported BOOLEAN NOT NULL -- to the authority
);
