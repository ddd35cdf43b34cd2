CREATE TABLE publishers (
  publisherId INTEGER PRIMARY KEY,
  publisherName VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  indie BOOLEAN NOT NULL
);
CREATE TABLE series (
  seriesId INTEGER PRIMARY KEY,
  seriesTitle VARCHAR NOT NULL,
  publisherId INTEGER NOT NULL REFERENCES publishers (publisherId),
  genre VARCHAR NOT NULL,
  ageRating VARCHAR NOT NULL,
  startYear INTEGER NOT NULL,
  endedYear INTEGER -- empty while running
);
CREATE TABLE artists (
  artistId INTEGER PRIMARY KEY,
  fullName VARCHAR NOT NULL,
  nationality VARCHAR
);
CREATE TABLE issues (
  issueId INTEGER PRIMARY KEY,
  seriesId INTEGER NOT NULL REFERENCES series (seriesId),
  writerId INTEGER REFERENCES artists (artistId),
  coverArtistId INTEGER REFERENCES artists (artistId),
  issueNumber INTEGER NOT NULL,
  releaseDate DATE NOT NULL,
  coverPrice DECIMAL(10,2) NOT NULL, -- USD
  pageCount INTEGER NOT NULL,
  stockQty INTEGER NOT NULL,
  variantCover BOOLEAN NOT NULL
);
CREATE TABLE members (
  memberId INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  birthDate DATE,
  joinedOn DATE NOT NULL,
  tier VARCHAR NOT NULL
);
CREATE TABLE pullList (
  pullId INTEGER PRIMARY KEY,
  memberId INTEGER NOT NULL REFERENCES members (memberId),
  seriesId INTEGER NOT NULL REFERENCES series (seriesId),
  copies INTEGER NOT NULL,
  addedOn DATE NOT NULL,
  paused BOOLEAN NOT NULL
);
