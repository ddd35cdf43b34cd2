CREATE TABLE Municipality (
  MuniId INTEGER PRIMARY KEY,
  MuniName VARCHAR NOT NULL,
  County VARCHAR NOT NULL,
  TransferTaxPct DOUBLE NOT NULL
);
CREATE TABLE Parcel (
  ParcelId BIGINT PRIMARY KEY,
  ParcelRef VARCHAR NOT NULL,
  MuniId INTEGER NOT NULL REFERENCES Municipality (MuniId),
  LandUse VARCHAR NOT NULL,
  AreaM2 INTEGER NOT NULL,
  StreetAddress VARCHAR,
  Zone VARCHAR,
  FloodRisk BOOLEAN NOT NULL,
  SplitFrom BIGINT REFERENCES Parcel (ParcelId) -- parcel it was cut out of
);
CREATE TABLE Party (
  PartyId INTEGER PRIMARY KEY,
  PartyName VARCHAR NOT NULL,
  PartyKind VARCHAR NOT NULL,
  Residence VARCHAR -- country
);
CREATE TABLE Title (
  TitleId INTEGER PRIMARY KEY,
  ParcelId BIGINT NOT NULL REFERENCES Parcel (ParcelId),
  OwnerId INTEGER NOT NULL REFERENCES Party (PartyId),
  SharePct DOUBLE NOT NULL,
  AcquiredOn DATE NOT NULL,
  EndedOn DATE, -- empty for present owners
  Ground VARCHAR NOT NULL -- how it was acquired
);
CREATE TABLE Mortgage (
  MortgageId INTEGER PRIMARY KEY,
  ParcelId BIGINT NOT NULL REFERENCES Parcel (ParcelId),
  LenderId INTEGER NOT NULL REFERENCES Party (PartyId),
  Principal DECIMAL(12, 2) NOT NULL, -- EUR
  RatePct DOUBLE NOT NULL,
  RankNo INTEGER NOT NULL, -- 1 is served first
  EnteredOn DATE NOT NULL,
  ClearedOn DATE
);
CREATE TABLE Deed (
  DeedNo INTEGER PRIMARY KEY,
  ParcelId BIGINT NOT NULL REFERENCES Parcel (ParcelId),
  SellerId INTEGER REFERENCES Party (PartyId),
  BuyerId INTEGER NOT NULL REFERENCES Party (PartyId),
  Price DECIMAL(12, 2),
  SignedOn DATE NOT NULL,
  LodgedAt TIMESTAMP NOT NULL,
  Stage VARCHAR NOT NULL,
  Clerk VARCHAR -- who processes it
);
CREATE TABLE Easement (
  EasementId INTEGER PRIMARY KEY,
  BurdenedId BIGINT NOT NULL REFERENCES Parcel (ParcelId),
  BenefitId BIGINT REFERENCES Parcel (ParcelId),
  EasementKind VARCHAR NOT NULL,
  SinceYear INTEGER
);
