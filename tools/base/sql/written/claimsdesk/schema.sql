CREATE TABLE policyHolder (
  holderId INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  postcode VARCHAR,
  region VARCHAR NOT NULL,
  smoker BOOLEAN NOT NULL,
  dateOfBirth DATE NOT NULL
);
CREATE TABLE policy (
  policyId INTEGER PRIMARY KEY,
  holderId INTEGER NOT NULL REFERENCES policyHolder (holderId),
  lineOfBusiness VARCHAR NOT NULL,
  yearlyPremium DECIMAL(10,2) NOT NULL, -- EUR
  sumInsured DECIMAL(10,2) NOT NULL, -- EUR
  deductible DECIMAL(10,2) NOT NULL,
  startDate DATE NOT NULL,
  endDate DATE,
  autoRenew BOOLEAN NOT NULL
);
CREATE TABLE adjuster (
  adjusterId INTEGER PRIMARY KEY,
  adjusterName VARCHAR NOT NULL,
  office VARCHAR NOT NULL,
  seniority VARCHAR NOT NULL,
  hiredOn DATE NOT NULL
);
CREATE TABLE claim (
  claimId INTEGER PRIMARY KEY,
  policyId INTEGER NOT NULL REFERENCES policy (policyId),
  adjusterId INTEGER REFERENCES adjuster (adjusterId), -- empty until someone takes it
  cause VARCHAR NOT NULL,
  occurredOn DATE NOT NULL,
  reportedAt TIMESTAMP NOT NULL,
  claimedAmount DECIMAL(10,2) NOT NULL,
  paidAmount DECIMAL(10,2), -- empty before settlement
  claimStatus VARCHAR NOT NULL,
  suspicious BOOLEAN NOT NULL
);
CREATE TABLE claimDocument (
  documentId INTEGER PRIMARY KEY,
  claimId INTEGER NOT NULL REFERENCES claim (claimId),
  docType VARCHAR NOT NULL,
  pages INTEGER NOT NULL,
  receivedAt TIMESTAMP NOT NULL
);
