CREATE TABLE Account (
  AccountID INTEGER PRIMARY KEY,
  CompanyName VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  PlanTier VARCHAR NOT NULL,
  SignedUpOn DATE NOT NULL,
  Suspended BOOLEAN NOT NULL
);
CREATE TABLE Region (
  RegionCode VARCHAR PRIMARY KEY,
  City VARCHAR NOT NULL,
  GreenPower BOOLEAN NOT NULL, -- runs on renewable electricity
  OpenedOn DATE
);
CREATE TABLE Instance (
  InstanceID INTEGER PRIMARY KEY,
  Hostname VARCHAR NOT NULL,
  AccountID INTEGER NOT NULL REFERENCES Account (AccountID),
  RegionCode VARCHAR NOT NULL REFERENCES Region (RegionCode),
  OsImage VARCHAR NOT NULL,
  Vcpus INTEGER NOT NULL,
  RamGb INTEGER NOT NULL,
  PowerState VARCHAR NOT NULL,
  LaunchedAt TIMESTAMP NOT NULL,
  HourlyRate DECIMAL(10,2) NOT NULL -- USD
);
CREATE TABLE Volume (
  VolumeID INTEGER PRIMARY KEY,
  InstanceID INTEGER REFERENCES Instance (InstanceID), -- empty when detached
  SizeGb INTEGER NOT NULL,
  DiskKind VARCHAR NOT NULL,
  Encrypted BOOLEAN NOT NULL,
  LastSnapshot TIMESTAMP
);
CREATE TABLE Invoice (
  InvoiceID INTEGER PRIMARY KEY,
  AccountID INTEGER NOT NULL REFERENCES Account (AccountID),
  IssuedOn DATE NOT NULL,
  AmountUsd DECIMAL(10,2) NOT NULL,
  PaidOn DATE
);
