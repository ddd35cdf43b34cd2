CREATE TABLE Player (
  PlayerID INTEGER PRIMARY KEY,
  FirstName VARCHAR NOT NULL,
  LastName VARCHAR NOT NULL,
  Born DATE,
  Gender VARCHAR NOT NULL,
  Elo INTEGER, -- empty for unrated players
  Title VARCHAR,
  Joined DATE NOT NULL,
  FeePaid BOOLEAN NOT NULL
);
CREATE TABLE Tournament (
  TournamentID INTEGER PRIMARY KEY,
  TournamentName VARCHAR NOT NULL,
  Venue VARCHAR NOT NULL,
  StartDate DATE NOT NULL,
  Rounds INTEGER NOT NULL,
  TimeControl VARCHAR NOT NULL,
  PrizeMoney DECIMAL(10, 2) NOT NULL -- EUR
);
CREATE TABLE Opening (
  OpeningID INTEGER PRIMARY KEY,
  Eco VARCHAR NOT NULL,
  OpeningName VARCHAR NOT NULL,
  Family VARCHAR NOT NULL
);
CREATE TABLE Game (
  GameID INTEGER PRIMARY KEY,
  TournamentID INTEGER REFERENCES Tournament (TournamentID), -- empty for friendly games
  WhiteID INTEGER NOT NULL REFERENCES Player (PlayerID),
  BlackID INTEGER NOT NULL REFERENCES Player (PlayerID),
  OpeningID INTEGER REFERENCES Opening (OpeningID),
  PlayedOn DATE NOT NULL,
  Result VARCHAR NOT NULL,
  Moves INTEGER NOT NULL
);
CREATE TABLE Entry (
  TournamentID INTEGER NOT NULL REFERENCES Tournament (TournamentID),
  PlayerID INTEGER NOT NULL REFERENCES Player (PlayerID),
  EnteredOn DATE NOT NULL,
  FinalRank INTEGER,
  PRIMARY KEY (TournamentID, PlayerID)
);
