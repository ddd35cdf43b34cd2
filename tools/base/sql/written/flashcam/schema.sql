CREATE TABLE Junction (
  JunctionKey INTEGER PRIMARY KEY,
  JunctionTitle VARCHAR NOT NULL,
  Borough VARCHAR NOT NULL,
  NearSchool BOOLEAN NOT NULL,
  DailyTraffic INTEGER NOT NULL -- vehicles a day
);
CREATE TABLE Camera (
  CameraKey INTEGER PRIMARY KEY,
  JunctionKey INTEGER NOT NULL REFERENCES Junction (JunctionKey),
  Model VARCHAR NOT NULL,
  Purpose VARCHAR NOT NULL,
  Facing VARCHAR NOT NULL,
  SpeedLimit INTEGER, -- km/h, empty for cameras that do not measure speed
  Installed DATE NOT NULL,
  LastCalibrated DATE,
  Online BOOLEAN NOT NULL
);
CREATE TABLE Reviewer (
  ReviewerKey INTEGER PRIMARY KEY,
  ReviewerName VARCHAR NOT NULL,
  Rank VARCHAR NOT NULL,
  Since DATE NOT NULL
);
CREATE TABLE Capture (
  CaptureKey BIGINT PRIMARY KEY,
  CameraKey INTEGER NOT NULL REFERENCES Camera (CameraKey),
  ReviewerKey INTEGER REFERENCES Reviewer (ReviewerKey), -- empty until looked at
  TakenAt TIMESTAMP NOT NULL,
  PlateRead VARCHAR, -- empty when unreadable
  VehicleType VARCHAR NOT NULL,
  MeasuredSpeed INTEGER, -- km/h
  Verdict VARCHAR NOT NULL,
  Fine DECIMAL(10, 2) -- EUR
);
CREATE TABLE Sabotage (
  SabotageKey INTEGER PRIMARY KEY,
  CameraKey INTEGER NOT NULL REFERENCES Camera (CameraKey),
  Method VARCHAR NOT NULL,
  FoundOn DATE NOT NULL,
  RepairCost DECIMAL(10, 2) NOT NULL
);
