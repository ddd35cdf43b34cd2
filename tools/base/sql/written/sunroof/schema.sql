CREATE TABLE Customers (
  CustomerID INTEGER PRIMARY KEY,
  FullName VARCHAR NOT NULL,
  Town VARCHAR NOT NULL,
  HouseType VARCHAR NOT NULL,
  HeardFrom VARCHAR,
  SignedUp DATE NOT NULL
);
CREATE TABLE PanelModels (
  ModelID INTEGER PRIMARY KEY,
  ModelName VARCHAR NOT NULL,
  Brand VARCHAR NOT NULL,
  WattPeak INTEGER NOT NULL,
  Efficiency DOUBLE NOT NULL, -- percent
  UnitPrice DECIMAL(10,2) NOT NULL, -- EUR
  Discontinued BOOLEAN NOT NULL
);
CREATE TABLE Installers (
  InstallerID INTEGER PRIMARY KEY,
  InstallerName VARCHAR NOT NULL,
  Certified BOOLEAN NOT NULL,
  HourlyRate DECIMAL(10,2) NOT NULL,
  MentorID INTEGER REFERENCES Installers (InstallerID), -- who trains them
  HiredOn DATE NOT NULL
);
CREATE TABLE Projects (
  ProjectID INTEGER PRIMARY KEY,
  CustomerID INTEGER NOT NULL REFERENCES Customers (CustomerID),
  ModelID INTEGER NOT NULL REFERENCES PanelModels (ModelID),
  LeadInstallerID INTEGER REFERENCES Installers (InstallerID),
  Panels INTEGER NOT NULL,
  RoofFacing VARCHAR NOT NULL,
  BatteryKwh DOUBLE, -- empty without storage
  Stage VARCHAR NOT NULL,
  QuoteTotal DECIMAL(10,2) NOT NULL,
  GridConnected DATE
);
CREATE TABLE Visits (
  VisitID INTEGER PRIMARY KEY,
  ProjectID INTEGER NOT NULL REFERENCES Projects (ProjectID),
  InstallerID INTEGER NOT NULL REFERENCES Installers (InstallerID),
  VisitDate DATE NOT NULL,
  Purpose VARCHAR NOT NULL,
  Hours DOUBLE NOT NULL
);
