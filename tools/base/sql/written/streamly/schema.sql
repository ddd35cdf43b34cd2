CREATE TABLE Households (
  HouseholdId INTEGER PRIMARY KEY,
  Surname VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  Package VARCHAR NOT NULL,
  MonthlyFee DECIMAL(10,2) NOT NULL, -- EUR
  JoinedOn DATE NOT NULL,
  CancelledOn DATE
);
CREATE TABLE Viewers (
  ViewerId INTEGER PRIMARY KEY,
  HouseholdId INTEGER NOT NULL REFERENCES Households (HouseholdId),
  Nick VARCHAR NOT NULL,
  Age INTEGER,
  KidsMode BOOLEAN NOT NULL
);
CREATE TABLE Shows (
  ShowId INTEGER PRIMARY KEY,
  Title VARCHAR NOT NULL,
  Kind VARCHAR NOT NULL,
  Genre VARCHAR NOT NULL,
  SpokenLanguage VARCHAR NOT NULL,
  Seasons INTEGER, -- empty for films
  InHouse BOOLEAN NOT NULL, -- produced by ourselves
  AvailableUntil DATE -- empty if unlimited
);
CREATE TABLE Episodes (
  EpisodeId INTEGER PRIMARY KEY,
  ShowId INTEGER NOT NULL REFERENCES Shows (ShowId),
  EpisodeName VARCHAR NOT NULL,
  Season INTEGER NOT NULL,
  RuntimeMin INTEGER NOT NULL, -- minutes
  AddedOn DATE NOT NULL
);
CREATE TABLE Plays (
  PlayId BIGINT PRIMARY KEY,
  ViewerId INTEGER NOT NULL REFERENCES Viewers (ViewerId),
  EpisodeId INTEGER NOT NULL REFERENCES Episodes (EpisodeId),
  StartedAt TIMESTAMP NOT NULL,
  MinutesWatched INTEGER NOT NULL,
  Gadget VARCHAR NOT NULL,
  Finished BOOLEAN NOT NULL
);
CREATE TABLE Watchlist (
  ViewerId INTEGER NOT NULL REFERENCES Viewers (ViewerId),
  ShowId INTEGER NOT NULL REFERENCES Shows (ShowId),
  PutOn DATE NOT NULL,
  PRIMARY KEY (ViewerId, ShowId)
);
