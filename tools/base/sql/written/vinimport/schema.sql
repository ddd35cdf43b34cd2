CREATE TABLE WineEstate (
  EstateKey INTEGER PRIMARY KEY,
  EstateName VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  Region VARCHAR NOT NULL,
  Biodynamic BOOLEAN NOT NULL,
  ExclusiveUntil DATE -- we alone may sell it here until then
);
CREATE TABLE Label (
  LabelKey INTEGER PRIMARY KEY,
  EstateKey INTEGER NOT NULL REFERENCES WineEstate (EstateKey),
  LabelName VARCHAR NOT NULL,
  Style VARCHAR NOT NULL,
  MainGrape VARCHAR,
  VintageYear INTEGER, -- empty for non-vintage
  CostPrice DECIMAL(10,2) NOT NULL, -- per bottle, USD
  SellPrice DECIMAL(10,2) NOT NULL, -- per bottle, USD
  CriticScore INTEGER -- out of 100
);
CREATE TABLE Container (
  ContainerKey INTEGER PRIMARY KEY,
  ContainerRef VARCHAR NOT NULL,
  PortOfLoading VARCHAR NOT NULL,
  Refrigerated BOOLEAN NOT NULL,
  SailedOn DATE,
  ArrivedOn DATE,
  CustomsState VARCHAR NOT NULL,
  FreightCost DECIMAL(10,2) NOT NULL
);
CREATE TABLE ContainerLoad (
  LoadKey INTEGER PRIMARY KEY,
  ContainerKey INTEGER NOT NULL REFERENCES Container (ContainerKey),
  LabelKey INTEGER NOT NULL REFERENCES Label (LabelKey),
  Cases INTEGER NOT NULL,
  BrokenBottles INTEGER NOT NULL
);
CREATE TABLE SalesRep (
  RepKey INTEGER PRIMARY KEY,
  RepName VARCHAR NOT NULL,
  Territory VARCHAR NOT NULL,
  CommissionPct DOUBLE NOT NULL
);
CREATE TABLE TradeClient (
  ClientKey INTEGER PRIMARY KEY,
  ClientName VARCHAR NOT NULL,
  Channel VARCHAR NOT NULL,
  RepKey INTEGER REFERENCES SalesRep (RepKey),
  CreditLimit DECIMAL(10,2)
);
CREATE TABLE ClientOrder (
  OrderKey INTEGER PRIMARY KEY,
  ClientKey INTEGER NOT NULL REFERENCES TradeClient (ClientKey),
  LabelKey INTEGER NOT NULL REFERENCES Label (LabelKey),
  Cases INTEGER NOT NULL,
  OrderedOn DATE NOT NULL,
  DeliveredOn DATE,
  Sample BOOLEAN NOT NULL -- free tasting sample
);
