CREATE TABLE station (
  code VARCHAR PRIMARY KEY,
  place VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  elevation INTEGER NOT NULL, -- metres
  openedOn DATE NOT NULL,
  closedOn DATE,
  solarPowered BOOLEAN NOT NULL
);
CREATE TABLE sensor (
  sensorId INTEGER PRIMARY KEY,
  stationCode VARCHAR NOT NULL REFERENCES station (code),
  model VARCHAR NOT NULL,
  sensorType VARCHAR NOT NULL,
  sampleRate INTEGER NOT NULL, -- hertz
  lastCalibrated DATE
);
CREATE TABLE quake (
  quakeId INTEGER PRIMARY KEY,
  epicentre VARCHAR NOT NULL,
  originTime TIMESTAMP NOT NULL,
  magnitude DOUBLE NOT NULL,
  depthKm DOUBLE NOT NULL,
  cause VARCHAR NOT NULL,
  feltReports INTEGER NOT NULL,
  reviewed BOOLEAN NOT NULL
);
CREATE TABLE pick (
  pickId BIGINT PRIMARY KEY,
  quakeId INTEGER NOT NULL REFERENCES quake (quakeId),
  sensorId INTEGER NOT NULL REFERENCES sensor (sensorId),
  phase VARCHAR NOT NULL,
  arrival TIMESTAMP NOT NULL,
  automatic BOOLEAN NOT NULL
);
CREATE TABLE fieldTrip (
  tripId INTEGER PRIMARY KEY,
  stationCode VARCHAR NOT NULL REFERENCES station (code),
  technician VARCHAR NOT NULL,
  visitedOn DATE NOT NULL,
  reason VARCHAR NOT NULL,
  expenses DECIMAL(10, 2) -- CHF
);
