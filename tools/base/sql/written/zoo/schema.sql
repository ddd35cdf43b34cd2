CREATE TABLE Enclosure (
  EnclosureID INTEGER PRIMARY KEY,
  Label VARCHAR NOT NULL,
  Zone VARCHAR NOT NULL,
  AreaSqm INTEGER NOT NULL,
  Indoor BOOLEAN NOT NULL,
  ClosedSince DATE -- empty when open to visitors
);
CREATE TABLE Species (
  SpeciesID INTEGER PRIMARY KEY,
  CommonName VARCHAR NOT NULL,
  LatinName VARCHAR NOT NULL,
  Class VARCHAR NOT NULL,
  RedListStatus VARCHAR NOT NULL, -- LC, NT, VU, EN, CR
  HomeContinent VARCHAR NOT NULL
);
CREATE TABLE Keeper (
  KeeperID INTEGER PRIMARY KEY,
  KeeperName VARCHAR NOT NULL,
  Team VARCHAR NOT NULL,
  StartedOn DATE NOT NULL,
  MonthlySalary DECIMAL(10, 2) NOT NULL, -- GBP
  FirstAider BOOLEAN NOT NULL
);
CREATE TABLE Animal (
  AnimalID INTEGER PRIMARY KEY,
  PetName VARCHAR NOT NULL,
  SpeciesID INTEGER NOT NULL REFERENCES Species (SpeciesID),
  EnclosureID INTEGER REFERENCES Enclosure (EnclosureID), -- empty while in quarantine
  Sex VARCHAR NOT NULL,
  BirthDate DATE,
  WeightKg DOUBLE NOT NULL,
  BornHere BOOLEAN NOT NULL,
  SponsorName VARCHAR
);
CREATE TABLE Feeding (
  FeedingID INTEGER PRIMARY KEY,
  AnimalID INTEGER NOT NULL REFERENCES Animal (AnimalID),
  KeeperID INTEGER NOT NULL REFERENCES Keeper (KeeperID),
  FedAt TIMESTAMP NOT NULL,
  Food VARCHAR NOT NULL,
  Grams INTEGER NOT NULL,
  LeftoverGrams INTEGER
);
CREATE TABLE KeeperEnclosure (
  KeeperID INTEGER NOT NULL REFERENCES Keeper (KeeperID),
  EnclosureID INTEGER NOT NULL REFERENCES Enclosure (EnclosureID),
  Lead BOOLEAN NOT NULL,
  PRIMARY KEY (KeeperID, EnclosureID)
);
