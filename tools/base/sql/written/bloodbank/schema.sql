CREATE TABLE Donors (
  DonorId INTEGER PRIMARY KEY,
  FullName VARCHAR NOT NULL,
  Sex VARCHAR NOT NULL,
  BirthDate DATE NOT NULL,
  BloodGroup VARCHAR NOT NULL,
  Town VARCHAR NOT NULL,
  Deferred BOOLEAN NOT NULL, -- temporarily not allowed to donate
  LastReminder DATE
);
CREATE TABLE Sites (
  SiteId INTEGER PRIMARY KEY,
  SiteName VARCHAR NOT NULL,
  Kind VARCHAR NOT NULL,
  Couches INTEGER NOT NULL
);
CREATE TABLE Donations (
  DonationId BIGINT PRIMARY KEY,
  DonorId INTEGER NOT NULL REFERENCES Donors (DonorId),
  SiteId INTEGER NOT NULL REFERENCES Sites (SiteId),
  DonatedAt TIMESTAMP NOT NULL,
  Procedure VARCHAR NOT NULL,
  VolumeMl INTEGER NOT NULL, -- ml
  Haemoglobin DOUBLE, -- g/dl
  Reaction VARCHAR -- empty if the donor felt fine
);
CREATE TABLE Units (
  UnitNo VARCHAR PRIMARY KEY,
  DonationId BIGINT NOT NULL REFERENCES Donations (DonationId),
  Product VARCHAR NOT NULL,
  BloodGroup VARCHAR NOT NULL,
  Status VARCHAR NOT NULL,
  ExpiresOn DATE NOT NULL,
  Fridge VARCHAR
);
CREATE TABLE Wards (
  WardId INTEGER PRIMARY KEY,
  WardName VARCHAR NOT NULL,
  Floor INTEGER NOT NULL
);
CREATE TABLE Requests (
  RequestId INTEGER PRIMARY KEY,
  WardId INTEGER NOT NULL REFERENCES Wards (WardId),
  Product VARCHAR NOT NULL,
  BloodGroup VARCHAR NOT NULL,
  UnitsWanted INTEGER NOT NULL,
  UnitNo VARCHAR REFERENCES Units (UnitNo), -- first unit issued
  RequestedAt TIMESTAMP NOT NULL,
  Urgent BOOLEAN NOT NULL
);
