CREATE TABLE Harbours (
  HarbourCode VARCHAR PRIMARY KEY,
  HarbourName VARCHAR NOT NULL,
  Island VARCHAR NOT NULL,
  HasRamp BOOLEAN NOT NULL,
  Berths INTEGER NOT NULL
);
CREATE TABLE Ferries (
  FerryId INTEGER PRIMARY KEY,
  FerryName VARCHAR NOT NULL,
  HullType VARCHAR NOT NULL,
  PaxCapacity INTEGER NOT NULL,
  CarSpaces INTEGER NOT NULL, -- 0 = foot passengers only
  LaunchedOn DATE NOT NULL,
  TopSpeedKn DOUBLE NOT NULL,
  RetiredOn DATE -- empty while in service
);
CREATE TABLE Routes (
  RouteId INTEGER PRIMARY KEY,
  FromHarbour VARCHAR NOT NULL REFERENCES Harbours (HarbourCode),
  ToHarbour VARCHAR NOT NULL REFERENCES Harbours (HarbourCode),
  CrossingMinutes INTEGER NOT NULL,
  AdultFare DECIMAL(10, 2) NOT NULL, -- EUR
  SummerOnly BOOLEAN NOT NULL
);
CREATE TABLE Sailings (
  SailingId INTEGER PRIMARY KEY,
  RouteId INTEGER NOT NULL REFERENCES Routes (RouteId),
  FerryId INTEGER REFERENCES Ferries (FerryId), -- empty until a boat is assigned
  DepartsAt TIMESTAMP NOT NULL,
  DelayMinutes INTEGER NOT NULL,
  Status VARCHAR NOT NULL,
  SeaState VARCHAR
);
CREATE TABLE Reservations (
  ReservationId INTEGER PRIMARY KEY,
  SailingId INTEGER NOT NULL REFERENCES Sailings (SailingId),
  PassengerName VARCHAR NOT NULL,
  Adults INTEGER NOT NULL,
  Children INTEGER NOT NULL,
  VehicleKind VARCHAR, -- empty for walk-ons
  Paid DECIMAL(10, 2) NOT NULL, -- EUR
  BookedAt TIMESTAMP NOT NULL
);
