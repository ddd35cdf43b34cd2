CREATE TABLE Station (
  StationID INTEGER PRIMARY KEY,
  StationName VARCHAR NOT NULL,
  District VARCHAR NOT NULL,
  Bays INTEGER NOT NULL, -- parking bays for vehicles
  OpenAtNight BOOLEAN NOT NULL
);
CREATE TABLE Vehicle (
  VehicleID INTEGER PRIMARY KEY,
  CallSign VARCHAR NOT NULL,
  VehicleType VARCHAR NOT NULL,
  StationID INTEGER REFERENCES Station (StationID),
  BuiltYear INTEGER NOT NULL,
  Mileage INTEGER NOT NULL, -- km
  InService BOOLEAN NOT NULL
);
CREATE TABLE Paramedic (
  ParamedicID INTEGER PRIMARY KEY,
  FullName VARCHAR NOT NULL,
  Grade VARCHAR NOT NULL,
  StationID INTEGER NOT NULL REFERENCES Station (StationID),
  MentorID INTEGER REFERENCES Paramedic (ParamedicID),
  HiredOn DATE NOT NULL
);
CREATE TABLE Hospital (
  HospitalID INTEGER PRIMARY KEY,
  HospitalName VARCHAR NOT NULL,
  TraumaLevel INTEGER, -- 1 is the highest
  Helipad BOOLEAN NOT NULL
);
CREATE TABLE EmergencyCall (
  CallID BIGINT PRIMARY KEY,
  ReceivedAt TIMESTAMP NOT NULL,
  Complaint VARCHAR NOT NULL,
  Priority VARCHAR NOT NULL,
  District VARCHAR NOT NULL,
  VehicleID INTEGER REFERENCES Vehicle (VehicleID), -- empty until dispatched
  LeadID INTEGER REFERENCES Paramedic (ParamedicID),
  HospitalID INTEGER REFERENCES Hospital (HospitalID), -- empty if nobody was taken in
  ResponseMinutes DOUBLE,
  PatientAge INTEGER,
  Outcome VARCHAR
);
