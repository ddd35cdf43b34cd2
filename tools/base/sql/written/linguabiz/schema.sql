CREATE TABLE client (
  clientId INTEGER PRIMARY KEY,
  company VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  paymentDays INTEGER NOT NULL,
  blocked BOOLEAN NOT NULL
);
CREATE TABLE linguist (
  linguistId INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  mothertongue VARCHAR NOT NULL,
  homeCity VARCHAR,
  ratePerWord DOUBLE NOT NULL, -- EUR
  sworn BOOLEAN NOT NULL,
  yearsExp INTEGER NOT NULL,
  onBoardSince DATE NOT NULL
);
CREATE TABLE langPair (
  linguistId INTEGER NOT NULL REFERENCES linguist (linguistId),
  srcLang VARCHAR NOT NULL,
  tgtLang VARCHAR NOT NULL,
  testScore INTEGER,
  PRIMARY KEY (linguistId, srcLang, tgtLang)
);
CREATE TABLE job (
  jobNo INTEGER PRIMARY KEY,
  jobTitle VARCHAR NOT NULL,
  clientId INTEGER NOT NULL REFERENCES client (clientId),
  translatorId INTEGER REFERENCES linguist (linguistId), -- empty until taken
  reviserId INTEGER REFERENCES linguist (linguistId),
  srcLang VARCHAR NOT NULL,
  tgtLang VARCHAR NOT NULL,
  service VARCHAR NOT NULL,
  wordCount INTEGER,
  receivedAt TIMESTAMP NOT NULL,
  deadline TIMESTAMP NOT NULL,
  deliveredAt TIMESTAMP,
  rush BOOLEAN NOT NULL
);
CREATE TABLE invoice (
  invoiceNo VARCHAR PRIMARY KEY,
  jobNo INTEGER NOT NULL REFERENCES job (jobNo),
  netTotal DECIMAL(10, 2) NOT NULL, -- EUR
  issuedOn DATE NOT NULL,
  paidOn DATE
);
CREATE TABLE feedback (
  feedbackId INTEGER PRIMARY KEY,
  jobNo INTEGER NOT NULL REFERENCES job (jobNo),
  score INTEGER NOT NULL, -- 1 poor to 10 excellent
  issueType VARCHAR
);
