CREATE TABLE parties (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  abbreviation VARCHAR NOT NULL,
  founded INTEGER NOT NULL, -- year
  leaning VARCHAR NOT NULL,
  members INTEGER
);
CREATE TABLE constituencies (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  eligibleVoters INTEGER NOT NULL,
  urban BOOLEAN NOT NULL
);
CREATE TABLE elections (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  pollDate DATE NOT NULL,
  turnout DOUBLE -- percent, empty before the count
);
CREATE TABLE candidates (
  id INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  gender VARCHAR NOT NULL,
  born DATE NOT NULL,
  profession VARCHAR,
  partyId INTEGER REFERENCES parties (id), -- empty for independents
  spending DECIMAL(10, 2) -- campaign money, EUR
);
CREATE TABLE results (
  id INTEGER PRIMARY KEY,
  electionId INTEGER NOT NULL REFERENCES elections (id),
  constituencyId INTEGER NOT NULL REFERENCES constituencies (id),
  candidateId INTEGER NOT NULL REFERENCES candidates (id),
  votes INTEGER NOT NULL,
  elected BOOLEAN NOT NULL,
  recount BOOLEAN NOT NULL
);
CREATE TABLE pollingStations (
  id INTEGER PRIMARY KEY,
  label VARCHAR NOT NULL,
  constituencyId INTEGER NOT NULL REFERENCES constituencies (id),
  building VARCHAR NOT NULL,
  helpers INTEGER NOT NULL,
  stepFree BOOLEAN NOT NULL
);
