CREATE TABLE Operator (
  OpCode VARCHAR PRIMARY KEY,
  OpName VARCHAR NOT NULL,
  Nation VARCHAR NOT NULL,
  Founded INTEGER
);
CREATE TABLE Satellite (
  SatId INTEGER PRIMARY KEY,
  SatName VARCHAR NOT NULL,
  OpCode VARCHAR NOT NULL REFERENCES Operator (OpCode),
  Purpose VARCHAR NOT NULL,
  Status VARCHAR NOT NULL,
  LaunchedOn DATE NOT NULL,
  PerigeeKm DOUBLE, -- lowest altitude
  FuelPct DOUBLE, -- percent left
  BackupOf INTEGER REFERENCES Satellite (SatId)
);
CREATE TABLE GroundStation (
  StationId INTEGER PRIMARY KEY,
  StationName VARCHAR NOT NULL,
  Continent VARCHAR NOT NULL,
  DishMetres DOUBLE NOT NULL,
  Staffed BOOLEAN NOT NULL
);
CREATE TABLE ContactPass (
  PassNo BIGINT PRIMARY KEY,
  SatId INTEGER NOT NULL REFERENCES Satellite (SatId),
  StationId INTEGER NOT NULL REFERENCES GroundStation (StationId),
  RiseTime TIMESTAMP NOT NULL,
  Minutes DOUBLE NOT NULL,
  MegaBytes DOUBLE, -- downloaded; empty if no lock
  Band VARCHAR NOT NULL
);
CREATE TABLE Anomaly (
  AnomalyNo INTEGER PRIMARY KEY,
  SatId INTEGER NOT NULL REFERENCES Satellite (SatId),
  Subsystem VARCHAR NOT NULL,
  Severity VARCHAR NOT NULL,
  SeenOn DATE NOT NULL,
  ClearedOn DATE
);
