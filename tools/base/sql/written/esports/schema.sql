CREATE TABLE org (
  orgId INTEGER PRIMARY KEY,
  orgName VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  foundedYear INTEGER NOT NULL,
  mainSponsor VARCHAR
);
CREATE TABLE gamer (
  gamerId INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  realName VARCHAR,
  orgId INTEGER REFERENCES org (orgId), -- empty for free agents
  mainRole VARCHAR NOT NULL,
  dateOfBirth DATE NOT NULL,
  contractEnds DATE,
  monthlySalary DECIMAL(10, 2) -- USD
);
CREATE TABLE gameTitle (
  titleId INTEGER PRIMARY KEY,
  titleName VARCHAR NOT NULL,
  genre VARCHAR NOT NULL,
  publisher VARCHAR NOT NULL,
  ageRating INTEGER NOT NULL -- minimum age
);
CREATE TABLE tourney (
  tourneyId INTEGER PRIMARY KEY,
  tourneyName VARCHAR NOT NULL,
  titleId INTEGER NOT NULL REFERENCES gameTitle (titleId),
  venueCity VARCHAR, -- empty if online
  startsOn DATE NOT NULL,
  endsOn DATE NOT NULL,
  prizePool INTEGER NOT NULL, -- USD
  tier VARCHAR NOT NULL
);
CREATE TABLE entry (
  tourneyId INTEGER NOT NULL REFERENCES tourney (tourneyId),
  orgId INTEGER NOT NULL REFERENCES org (orgId),
  finalPlace INTEGER, -- empty while running
  winnings INTEGER,
  invited BOOLEAN NOT NULL,
  PRIMARY KEY (tourneyId, orgId)
);
CREATE TABLE gamerStat (
  statId INTEGER PRIMARY KEY,
  gamerId INTEGER NOT NULL REFERENCES gamer (gamerId),
  tourneyId INTEGER NOT NULL REFERENCES tourney (tourneyId),
  kills INTEGER NOT NULL,
  deaths INTEGER NOT NULL,
  rating DOUBLE NOT NULL,
  mvp BOOLEAN NOT NULL
);
