CREATE TABLE member (
  memberId INTEGER PRIMARY KEY,
  displayName VARCHAR NOT NULL,
  birthDate DATE NOT NULL,
  plan VARCHAR NOT NULL,
  joinedOn DATE NOT NULL,
  referredBy INTEGER REFERENCES member (memberId),
  suspended BOOLEAN NOT NULL
);
CREATE TABLE zone (
  zoneId INTEGER PRIMARY KEY,
  zoneName VARCHAR NOT NULL,
  parkingFee DECIMAL(10,2) NOT NULL, -- surcharge in EUR for ending a trip here
  lowEmission BOOLEAN NOT NULL
);
CREATE TABLE car (
  carId INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  makeModel VARCHAR NOT NULL,
  bodyType VARCHAR NOT NULL,
  fuelKind VARCHAR NOT NULL,
  seats INTEGER NOT NULL,
  odometerKm INTEGER NOT NULL,
  fuelLevel INTEGER, -- percent
  currentZone INTEGER REFERENCES zone (zoneId), -- empty while on the road
  lastWashed DATE
);
CREATE TABLE trip (
  tripId BIGINT PRIMARY KEY,
  memberId INTEGER NOT NULL REFERENCES member (memberId),
  carId INTEGER NOT NULL REFERENCES car (carId),
  fromZone INTEGER NOT NULL REFERENCES zone (zoneId),
  toZone INTEGER REFERENCES zone (zoneId),
  startedAt TIMESTAMP NOT NULL,
  durationMin INTEGER,
  distanceKm DOUBLE,
  price DECIMAL(10,2),
  stars INTEGER
);
CREATE TABLE damageReport (
  reportId INTEGER PRIMARY KEY,
  tripId BIGINT NOT NULL REFERENCES trip (tripId),
  part VARCHAR NOT NULL,
  severity VARCHAR NOT NULL,
  repairCost DECIMAL(10,2),
  fixedOn DATE
);
