CREATE TABLE testStation (
  stationNr INTEGER PRIMARY KEY,
  stationName VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  lanes INTEGER NOT NULL,
  openSaturday BOOLEAN NOT NULL
);
CREATE TABLE inspector (
  inspNr INTEGER PRIMARY KEY,
  inspName VARCHAR NOT NULL,
  stationNr INTEGER NOT NULL REFERENCES testStation (stationNr),
  licensedFor VARCHAR NOT NULL,
  licensedSince DATE NOT NULL,
  salaryGbp INTEGER NOT NULL -- a year
);
CREATE TABLE vehicle (
  regMark VARCHAR PRIMARY KEY,
  manufacturer VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  fuel VARCHAR NOT NULL,
  builtYear INTEGER NOT NULL,
  ownerName VARCHAR NOT NULL
);
CREATE TABLE inspection (
  inspectionNr INTEGER PRIMARY KEY,
  regMark VARCHAR NOT NULL REFERENCES vehicle (regMark),
  inspNr INTEGER NOT NULL REFERENCES inspector (inspNr),
  testedOn DATE NOT NULL,
  result VARCHAR NOT NULL,
  mileage INTEGER NOT NULL, -- km
  feeGbp DECIMAL(10, 2) NOT NULL,
  validUntil DATE, -- empty when failed
  retest BOOLEAN NOT NULL
);
CREATE TABLE defect (
  defectNr INTEGER PRIMARY KEY,
  inspectionNr INTEGER NOT NULL REFERENCES inspection (inspectionNr),
  part VARCHAR NOT NULL,
  severity VARCHAR NOT NULL,
  remark VARCHAR,
  fixedOn DATE
);
