CREATE TABLE telescope (
  telescopeId INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  apertureCm INTEGER NOT NULL, -- cm
  mountType VARCHAR NOT NULL,
  firstLight DATE NOT NULL,
  dome VARCHAR,
  isRemote BOOLEAN NOT NULL
);
CREATE TABLE astronomer (
  astronomerId INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  institute VARCHAR NOT NULL,
  career VARCHAR NOT NULL,
  supervisorId INTEGER REFERENCES astronomer (astronomerId)
);
CREATE TABLE skyObject (
  objectId INTEGER PRIMARY KEY,
  designation VARCHAR NOT NULL,
  objectClass VARCHAR NOT NULL,
  constellation VARCHAR NOT NULL,
  magnitude DOUBLE, -- lower is brighter
  distanceLy DOUBLE, -- light years
  discoveredYear INTEGER
);
CREATE TABLE observation (
  observationId BIGINT PRIMARY KEY,
  telescopeId INTEGER NOT NULL REFERENCES telescope (telescopeId),
  objectId INTEGER NOT NULL REFERENCES skyObject (objectId),
  observerId INTEGER NOT NULL REFERENCES astronomer (astronomerId),
  beganAt TIMESTAMP NOT NULL,
  exposureSec INTEGER NOT NULL, -- seconds
  filterBand VARCHAR,
  seeing DOUBLE, -- arcsec
  clouded BOOLEAN NOT NULL
);
CREATE TABLE publication (
  publicationId INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  journal VARCHAR NOT NULL,
  publishedOn DATE,
  leadAuthorId INTEGER NOT NULL REFERENCES astronomer (astronomerId),
  citations INTEGER NOT NULL
);
