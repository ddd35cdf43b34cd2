CREATE TABLE dl_club (
  clubKey INTEGER PRIMARY KEY,
  clubName VARCHAR NOT NULL,
  homeCity VARCHAR NOT NULL,
  division VARCHAR NOT NULL,
  coach VARCHAR -- empty when the club has none
);
CREATE TABLE dl_speaker (
  spkKey INTEGER PRIMARY KEY,
  spkName VARCHAR NOT NULL,
  clubKey INTEGER NOT NULL REFERENCES dl_club (clubKey),
  age INTEGER NOT NULL,
  nativeLang VARCHAR NOT NULL,
  novice BOOLEAN NOT NULL
);
CREATE TABLE dl_motion (
  motKey INTEGER PRIMARY KEY,
  wording VARCHAR NOT NULL,
  theme VARCHAR NOT NULL,
  impromptu BOOLEAN NOT NULL -- short preparation
);
CREATE TABLE dl_debate (
  debKey INTEGER PRIMARY KEY,
  motKey INTEGER NOT NULL REFERENCES dl_motion (motKey),
  propClub INTEGER NOT NULL REFERENCES dl_club (clubKey), -- proposing side
  oppClub INTEGER NOT NULL REFERENCES dl_club (clubKey), -- opposing side
  debDate DATE NOT NULL,
  stage VARCHAR NOT NULL,
  winner VARCHAR, -- prop or opp, empty before the verdict
  audience INTEGER
);
CREATE TABLE dl_speech (
  speechKey INTEGER PRIMARY KEY,
  debKey INTEGER NOT NULL REFERENCES dl_debate (debKey),
  spkKey INTEGER NOT NULL REFERENCES dl_speaker (spkKey),
  seconds INTEGER NOT NULL,
  points DOUBLE NOT NULL, -- 50 to 100
  bestSpeaker BOOLEAN NOT NULL
);
