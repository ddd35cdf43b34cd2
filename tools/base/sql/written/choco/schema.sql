CREATE TABLE "Products" (
  "ProductID" INTEGER PRIMARY KEY,
  "ProductName" VARCHAR NOT NULL,
  "Category" VARCHAR NOT NULL,
  "CocoaPct" INTEGER, -- percent
  "WeightGrams" INTEGER NOT NULL,
  "ContainsNuts" BOOLEAN NOT NULL,
  "Vegan" BOOLEAN NOT NULL,
  "ListPrice" DECIMAL(10,2) NOT NULL -- CHF
);
CREATE TABLE "Growers" (
  "GrowerID" INTEGER PRIMARY KEY,
  "GrowerName" VARCHAR NOT NULL,
  "Country" VARCHAR NOT NULL,
  "FairTrade" BOOLEAN NOT NULL,
  "PartnerSince" DATE
);
CREATE TABLE "BeanLots" (
  "LotID" INTEGER PRIMARY KEY,
  "GrowerID" INTEGER NOT NULL REFERENCES "Growers" ("GrowerID"),
  "Variety" VARCHAR NOT NULL,
  "Kilograms" DOUBLE NOT NULL,
  "PricePerKg" DECIMAL(10,2) NOT NULL, -- USD
  "ReceivedOn" DATE NOT NULL,
  "MoisturePct" DOUBLE
);
CREATE TABLE "Lines" (
  "LineID" INTEGER PRIMARY KEY,
  "LineName" VARCHAR NOT NULL,
  "Hall" VARCHAR NOT NULL,
  "MaxBarsPerHour" INTEGER NOT NULL,
  "InstalledYear" INTEGER NOT NULL
);
CREATE TABLE "ProductionRuns" (
  "RunID" INTEGER PRIMARY KEY,
  "ProductID" INTEGER NOT NULL REFERENCES "Products" ("ProductID"),
  "LineID" INTEGER NOT NULL REFERENCES "Lines" ("LineID"),
  "LotID" INTEGER REFERENCES "BeanLots" ("LotID"),
  "StartedAt" TIMESTAMP NOT NULL,
  "FinishedAt" TIMESTAMP,
  "UnitsMade" INTEGER NOT NULL,
  "UnitsRejected" INTEGER NOT NULL,
  "Shift" VARCHAR NOT NULL
);
