CREATE TABLE Smiths (
  smithID INTEGER PRIMARY KEY,
  smithName VARCHAR NOT NULL,
  speciality VARCHAR NOT NULL,
  isPartner BOOLEAN NOT NULL,
  benchSince DATE NOT NULL
);
CREATE TABLE Collections (
  collectionID INTEGER PRIMARY KEY,
  collectionName VARCHAR NOT NULL,
  season VARCHAR NOT NULL,
  presentedOn DATE
);
CREATE TABLE Jewels (
  jewelID INTEGER PRIMARY KEY,
  jewelName VARCHAR NOT NULL,
  jewelType VARCHAR NOT NULL,
  metal VARCHAR NOT NULL,
  weightG DOUBLE NOT NULL, -- grams
  ringSize INTEGER, -- rings only
  collectionID INTEGER REFERENCES Collections (collectionID), -- empty for one-offs
  madeBy INTEGER NOT NULL REFERENCES Smiths (smithID),
  engravedBy INTEGER REFERENCES Smiths (smithID),
  hallmarked BOOLEAN NOT NULL,
  priceCHF DECIMAL(10,2) NOT NULL,
  soldAt TIMESTAMP
);
CREATE TABLE Gems (
  gemID INTEGER PRIMARY KEY,
  stone VARCHAR NOT NULL,
  cut VARCHAR NOT NULL,
  carat DOUBLE NOT NULL,
  originCountry VARCHAR,
  labGrown BOOLEAN NOT NULL,
  costCHF DECIMAL(10,2) NOT NULL,
  jewelID INTEGER REFERENCES Jewels (jewelID) -- empty: loose
);
