CREATE TABLE Farms (
  FarmNo INTEGER PRIMARY KEY,
  FarmName VARCHAR NOT NULL,
  Valley VARCHAR NOT NULL,
  Herd VARCHAR NOT NULL,
  Heads INTEGER NOT NULL,
  BioCertified BOOLEAN NOT NULL
);
CREATE TABLE MilkDeliveries (
  DeliveryNo INTEGER PRIMARY KEY,
  FarmNo INTEGER NOT NULL REFERENCES Farms (FarmNo),
  DeliveredAt TIMESTAMP NOT NULL,
  Litres DOUBLE NOT NULL,
  FatPct DOUBLE NOT NULL,
  Rejected BOOLEAN NOT NULL,
  RejectReason VARCHAR
);
CREATE TABLE Cheeses (
  CheeseNo INTEGER PRIMARY KEY,
  CheeseName VARCHAR NOT NULL,
  Style VARCHAR NOT NULL,
  MilkKind VARCHAR NOT NULL,
  RawMilk BOOLEAN NOT NULL,
  MinDays INTEGER NOT NULL, -- days of ripening
  PricePerKg DECIMAL(10, 2) NOT NULL -- EUR
);
CREATE TABLE Cellars (
  CellarNo INTEGER PRIMARY KEY,
  CellarName VARCHAR NOT NULL,
  TempC DOUBLE NOT NULL, -- degrees Celsius
  Humidity INTEGER NOT NULL, -- percent
  Shelves INTEGER NOT NULL
);
CREATE TABLE Wheels (
  WheelNo INTEGER PRIMARY KEY,
  CheeseNo INTEGER NOT NULL REFERENCES Cheeses (CheeseNo),
  CellarNo INTEGER REFERENCES Cellars (CellarNo), -- empty once it has left
  MadeOn DATE NOT NULL,
  WeightKg DOUBLE NOT NULL,
  Quality VARCHAR, -- graded by the cheese master
  SoldOn DATE
);
