CREATE TABLE practice (
  practiceId INTEGER PRIMARY KEY,
  practiceName VARCHAR NOT NULL,
  dentist VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  clientSince DATE,
  discountPct DOUBLE -- percent, empty: none
);
CREATE TABLE technician (
  techId INTEGER PRIMARY KEY,
  techName VARCHAR NOT NULL,
  skill VARCHAR NOT NULL,
  apprentice BOOLEAN NOT NULL,
  weeklyHours INTEGER NOT NULL,
  supervisorId INTEGER REFERENCES technician (techId)
);
CREATE TABLE material (
  materialId INTEGER PRIMARY KEY,
  materialName VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  stockGrams DOUBLE NOT NULL,
  pricePerGram DECIMAL(10,2) NOT NULL, -- USD
  expiresOn DATE
);
CREATE TABLE workOrder (
  orderId INTEGER PRIMARY KEY,
  practiceId INTEGER NOT NULL REFERENCES practice (practiceId),
  patientCode VARCHAR NOT NULL,
  product VARCHAR NOT NULL,
  shade VARCHAR,
  materialId INTEGER REFERENCES material (materialId),
  receivedOn DATE NOT NULL,
  dueOn DATE NOT NULL,
  deliveredOn DATE,
  urgent BOOLEAN NOT NULL,
  price DECIMAL(10,2) NOT NULL -- USD
);
CREATE TABLE workStep (
  stepId INTEGER PRIMARY KEY,
  orderId INTEGER NOT NULL REFERENCES workOrder (orderId),
  stepKind VARCHAR NOT NULL,
  madeBy INTEGER NOT NULL REFERENCES technician (techId),
  checkedBy INTEGER REFERENCES technician (techId), -- quality control
  minutes INTEGER NOT NULL,
  finishedAt TIMESTAMP
);
CREATE TABLE remake (
  remakeId INTEGER PRIMARY KEY,
  orderId INTEGER NOT NULL REFERENCES workOrder (orderId),
  reason VARCHAR NOT NULL,
  reportedOn DATE NOT NULL,
  freeOfCharge BOOLEAN NOT NULL
);
