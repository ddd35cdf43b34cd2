CREATE TABLE vessel (
  vesselId INTEGER PRIMARY KEY,
  vesselName VARCHAR NOT NULL,
  homePort VARCHAR NOT NULL,
  gear VARCHAR NOT NULL,
  lengthM DOUBLE NOT NULL,
  builtYear INTEGER NOT NULL,
  enginePowerKw INTEGER,
  decommissioned BOOLEAN NOT NULL
);
CREATE TABLE crewMember (
  crewId INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  rank VARCHAR NOT NULL,
  birthDate DATE NOT NULL,
  nationality VARCHAR NOT NULL,
  vesselId INTEGER REFERENCES vessel (vesselId), -- empty when ashore
  medicalUntil DATE -- fitness certificate valid until
);
CREATE TABLE trip (
  tripId INTEGER PRIMARY KEY,
  vesselId INTEGER NOT NULL REFERENCES vessel (vesselId),
  skipperId INTEGER NOT NULL REFERENCES crewMember (crewId),
  departedAt TIMESTAMP NOT NULL,
  returnedAt TIMESTAMP,
  fishingGround VARCHAR NOT NULL,
  fuelLitres INTEGER
);
CREATE TABLE landing (
  landingId INTEGER PRIMARY KEY,
  tripId INTEGER NOT NULL REFERENCES trip (tripId),
  fish VARCHAR NOT NULL,
  weightKg DOUBLE NOT NULL,
  pricePerKg DECIMAL(10, 2) NOT NULL, -- EUR
  buyerId INTEGER REFERENCES buyer (buyerId), -- empty if unsold
  grade VARCHAR NOT NULL
);
CREATE TABLE buyer (
  buyerId INTEGER PRIMARY KEY,
  companyName VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  creditLimit DECIMAL(10, 2) -- EUR
);
CREATE TABLE inspection (
  inspectionId INTEGER PRIMARY KEY,
  vesselId INTEGER NOT NULL REFERENCES vessel (vesselId),
  inspectedOn DATE NOT NULL,
  passed BOOLEAN NOT NULL,
  fine DECIMAL(10, 2), -- EUR
  remarks VARCHAR
);
