CREATE TABLE donors (
  donorID INTEGER PRIMARY KEY,
  donorName VARCHAR NOT NULL,
  donorType VARCHAR NOT NULL,
  town VARCHAR,
  newsletter BOOLEAN NOT NULL,
  firstContact DATE NOT NULL
);
CREATE TABLE projects (
  projectID INTEGER PRIMARY KEY,
  projectName VARCHAR NOT NULL,
  theme VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  budget INTEGER NOT NULL, -- CHF
  startsOn DATE NOT NULL,
  endsOn DATE,
  leadID INTEGER REFERENCES volunteers (volunteerID)
);
CREATE TABLE volunteers (
  volunteerID INTEGER PRIMARY KEY,
  volunteerName VARCHAR NOT NULL,
  skill VARCHAR NOT NULL,
  yearOfBirth INTEGER NOT NULL,
  drivingLicence BOOLEAN NOT NULL,
  activeSince DATE
);
CREATE TABLE appeals (
  appealID INTEGER PRIMARY KEY,
  appealTitle VARCHAR NOT NULL,
  medium VARCHAR NOT NULL,
  cost DECIMAL(10,2) NOT NULL,
  sentOn DATE NOT NULL
);
CREATE TABLE donations (
  donationID INTEGER PRIMARY KEY,
  donorID INTEGER NOT NULL REFERENCES donors (donorID),
  projectID INTEGER REFERENCES projects (projectID), -- empty: free for any use
  appealID INTEGER REFERENCES appeals (appealID),
  amount DECIMAL(10,2) NOT NULL, -- CHF
  receivedOn DATE NOT NULL,
  payment VARCHAR NOT NULL,
  recurring BOOLEAN NOT NULL,
  receiptSent BOOLEAN NOT NULL
);
CREATE TABLE shifts (
  shiftID INTEGER PRIMARY KEY,
  volunteerID INTEGER NOT NULL REFERENCES volunteers (volunteerID),
  projectID INTEGER NOT NULL REFERENCES projects (projectID),
  beginsAt TIMESTAMP NOT NULL,
  hours DOUBLE NOT NULL
);
