CREATE TABLE Couple (
  CoupleId INTEGER PRIMARY KEY,
  CoupleName VARCHAR NOT NULL,
  ContactMail VARCHAR,
  Budget DECIMAL(10,2), -- EUR
  SignedOn DATE NOT NULL,
  FoundUsVia VARCHAR
);
CREATE TABLE Planner (
  PlannerId INTEGER PRIMARY KEY,
  PlannerName VARCHAR NOT NULL,
  Rank VARCHAR NOT NULL,
  LeadId INTEGER REFERENCES Planner (PlannerId),
  SpeaksFrench BOOLEAN NOT NULL
);
CREATE TABLE Location (
  LocationId INTEGER PRIMARY KEY,
  LocationName VARCHAR NOT NULL,
  Type VARCHAR NOT NULL,
  Region VARCHAR NOT NULL,
  MaxGuests INTEGER NOT NULL,
  RentalFee DECIMAL(10,2) NOT NULL, -- EUR per day
  Overnight BOOLEAN NOT NULL,
  MusicUntil INTEGER -- hour after midnight, empty without limit
);
CREATE TABLE Wedding (
  WeddingId INTEGER PRIMARY KEY,
  CoupleId INTEGER NOT NULL REFERENCES Couple (CoupleId),
  PlannerId INTEGER REFERENCES Planner (PlannerId),
  CeremonyAt INTEGER REFERENCES Location (LocationId),
  PartyAt INTEGER REFERENCES Location (LocationId),
  WeddingDay DATE NOT NULL,
  Motto VARCHAR,
  Religious BOOLEAN NOT NULL,
  Phase VARCHAR NOT NULL
);
CREATE TABLE Guest (
  GuestId INTEGER PRIMARY KEY,
  WeddingId INTEGER NOT NULL REFERENCES Wedding (WeddingId),
  GuestName VARCHAR NOT NULL,
  Side VARCHAR NOT NULL,
  Reply VARCHAR NOT NULL,
  Menu VARCHAR,
  TableNo INTEGER,
  IsChild BOOLEAN NOT NULL
);
CREATE TABLE Supplier (
  SupplierId INTEGER PRIMARY KEY,
  SupplierName VARCHAR NOT NULL,
  Trade VARCHAR NOT NULL,
  Town VARCHAR NOT NULL,
  Stars DOUBLE
);
CREATE TABLE Contract (
  ContractId INTEGER PRIMARY KEY,
  WeddingId INTEGER NOT NULL REFERENCES Wedding (WeddingId),
  SupplierId INTEGER NOT NULL REFERENCES Supplier (SupplierId),
  Amount DECIMAL(10,2) NOT NULL, -- EUR
  DepositPaid BOOLEAN NOT NULL,
  DueOn DATE NOT NULL,
  SettledOn DATE,
  CancelledAt TIMESTAMP
);
