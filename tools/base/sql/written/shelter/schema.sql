CREATE TABLE Pets (
  petID INTEGER PRIMARY KEY,
  petName VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  breed VARCHAR,
  ageYears DOUBLE, -- estimated
  sex VARCHAR NOT NULL,
  neutered BOOLEAN NOT NULL,
  goodWithKids BOOLEAN,
  arrivedOn DATE NOT NULL,
  cameFrom VARCHAR NOT NULL,
  kennelID INTEGER REFERENCES Kennels (kennelID) -- empty once gone or in foster care
);
CREATE TABLE Kennels (
  kennelID INTEGER PRIMARY KEY,
  kennelCode VARCHAR NOT NULL,
  wing VARCHAR NOT NULL,
  places INTEGER NOT NULL,
  hasYard BOOLEAN NOT NULL
);
CREATE TABLE People (
  personID INTEGER PRIMARY KEY,
  personName VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  phone VARCHAR,
  blacklisted BOOLEAN NOT NULL
);
CREATE TABLE Adoptions (
  adoptionID INTEGER PRIMARY KEY,
  petID INTEGER NOT NULL REFERENCES Pets (petID),
  personID INTEGER NOT NULL REFERENCES People (personID),
  adoptedOn DATE NOT NULL,
  fee DECIMAL(10, 2) NOT NULL, -- USD
  returnedOn DATE,
  returnReason VARCHAR
);
CREATE TABLE Volunteers (
  volunteerID INTEGER PRIMARY KEY,
  volunteerName VARCHAR NOT NULL,
  duty VARCHAR NOT NULL,
  weekday VARCHAR NOT NULL,
  bornOn DATE NOT NULL,
  buddyID INTEGER REFERENCES Volunteers (volunteerID) -- experienced helper who shows the ropes
);
CREATE TABLE Donations (
  donationID INTEGER PRIMARY KEY,
  personID INTEGER REFERENCES People (personID), -- empty when anonymous
  givenOn DATE NOT NULL,
  amount DECIMAL(10, 2) NOT NULL, -- USD
  purpose VARCHAR NOT NULL,
  monthly BOOLEAN NOT NULL
);
CREATE TABLE Walks (
  walkID BIGINT PRIMARY KEY,
  petID INTEGER NOT NULL REFERENCES Pets (petID),
  volunteerID INTEGER NOT NULL REFERENCES Volunteers (volunteerID),
  leftAt TIMESTAMP NOT NULL,
  minutes INTEGER NOT NULL
);
