CREATE TABLE fieldBlock (
  blockId INTEGER PRIMARY KEY,
  blockName VARCHAR NOT NULL,
  altitudeM INTEGER NOT NULL, -- metres
  hectares DOUBLE NOT NULL,
  cultivar VARCHAR NOT NULL,
  plantedYear INTEGER NOT NULL,
  irrigated BOOLEAN NOT NULL
);
CREATE TABLE picker (
  pickerId INTEGER PRIMARY KEY,
  pickerName VARCHAR NOT NULL,
  village VARCHAR NOT NULL,
  birthDate DATE NOT NULL,
  contract VARCHAR NOT NULL,
  supervisorId INTEGER REFERENCES picker (pickerId)
);
CREATE TABLE pluck (
  pluckId INTEGER PRIMARY KEY,
  blockId INTEGER NOT NULL REFERENCES fieldBlock (blockId),
  pickerId INTEGER NOT NULL REFERENCES picker (pickerId),
  pluckDate DATE NOT NULL,
  flush VARCHAR NOT NULL,
  greenLeafKg DOUBLE NOT NULL,
  coarsePct DOUBLE -- percent of coarse leaf
);
CREATE TABLE teaBatch (
  batchId INTEGER PRIMARY KEY,
  batchCode VARCHAR NOT NULL,
  blockId INTEGER NOT NULL REFERENCES fieldBlock (blockId),
  teaType VARCHAR NOT NULL,
  leafGrade VARCHAR NOT NULL,
  firedAt TIMESTAMP NOT NULL,
  madeTeaKg DOUBLE NOT NULL,
  tasterScore INTEGER -- 0 to 100, empty until tasted
);
CREATE TABLE auctionSale (
  saleId INTEGER PRIMARY KEY,
  batchId INTEGER NOT NULL REFERENCES teaBatch (batchId),
  buyerName VARCHAR NOT NULL,
  saleDate DATE NOT NULL,
  chests INTEGER NOT NULL,
  pricePerKg DECIMAL(10, 2) NOT NULL, -- USD
  withdrawn BOOLEAN NOT NULL
);
