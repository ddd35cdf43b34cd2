CREATE TABLE owner (
  id INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  village VARCHAR NOT NULL,
  mobile VARCHAR,
  clientSince DATE NOT NULL
);
CREATE TABLE animal (
  id INTEGER PRIMARY KEY,
  petName VARCHAR NOT NULL,
  species VARCHAR NOT NULL,
  breed VARCHAR,
  born DATE,
  sex VARCHAR NOT NULL,
  neutered BOOLEAN NOT NULL,
  chipNumber VARCHAR,
  ownerId INTEGER NOT NULL REFERENCES owner (id),
  diedOn DATE
);
CREATE TABLE vet (
  id INTEGER PRIMARY KEY,
  vetName VARCHAR NOT NULL,
  speciality VARCHAR NOT NULL,
  makesHouseCalls BOOLEAN NOT NULL
);
CREATE TABLE consultation (
  id INTEGER PRIMARY KEY,
  animalId INTEGER NOT NULL REFERENCES animal (id),
  vetId INTEGER NOT NULL REFERENCES vet (id),
  startsAt TIMESTAMP NOT NULL,
  reason VARCHAR NOT NULL,
  weightKg DOUBLE,
  feeEur DECIMAL(10, 2) NOT NULL,
  emergency BOOLEAN NOT NULL,
  paidOn DATE
);
CREATE TABLE medicine (
  id INTEGER PRIMARY KEY,
  productName VARCHAR NOT NULL,
  form VARCHAR NOT NULL,
  priceEur DECIMAL(10, 2) NOT NULL,
  prescriptionOnly BOOLEAN NOT NULL
);
CREATE TABLE prescription (
  consultationId INTEGER NOT NULL REFERENCES consultation (id),
  medicineId INTEGER NOT NULL REFERENCES medicine (id),
  days INTEGER NOT NULL, -- length of the treatment
  packs INTEGER NOT NULL,
  PRIMARY KEY (consultationId, medicineId)
);
