CREATE TABLE Warehouse (
  warehouseId INTEGER PRIMARY KEY,
  site VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  shelfSpaces INTEGER NOT NULL,
  heated BOOLEAN NOT NULL
);
CREATE TABLE Supplier (
  supplierId INTEGER PRIMARY KEY,
  firm VARCHAR NOT NULL,
  homeCountry VARCHAR NOT NULL,
  rating INTEGER, -- 1 to 5 stars
  leadDays INTEGER NOT NULL,
  preferred BOOLEAN NOT NULL
);
CREATE TABLE Part (
  partId INTEGER PRIMARY KEY,
  partLabel VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  supplierId INTEGER REFERENCES Supplier (supplierId),
  replacedById INTEGER REFERENCES Part (partId), -- successor
  listPrice DECIMAL(10,2) NOT NULL, -- EUR
  weightKg DOUBLE,
  hazardous BOOLEAN NOT NULL,
  launched DATE NOT NULL
);
CREATE TABLE StockLevel (
  partId INTEGER NOT NULL REFERENCES Part (partId),
  warehouseId INTEGER NOT NULL REFERENCES Warehouse (warehouseId),
  onHand INTEGER NOT NULL,
  minLevel INTEGER NOT NULL,
  lastCounted DATE,
  PRIMARY KEY (partId, warehouseId)
);
CREATE TABLE Workshop (
  workshopId INTEGER PRIMARY KEY,
  workshopName VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  loyaltyTier VARCHAR, -- empty for casual buyers
  creditLimit DECIMAL(10,2) NOT NULL
);
CREATE TABLE PartOrder (
  orderId INTEGER PRIMARY KEY,
  workshopId INTEGER NOT NULL REFERENCES Workshop (workshopId),
  partId INTEGER NOT NULL REFERENCES Part (partId),
  fromWarehouseId INTEGER NOT NULL REFERENCES Warehouse (warehouseId),
  units INTEGER NOT NULL,
  orderedAt TIMESTAMP NOT NULL,
  deliveredOn DATE,
  orderState VARCHAR NOT NULL,
  express BOOLEAN NOT NULL,
  discountPct DOUBLE NOT NULL
);
