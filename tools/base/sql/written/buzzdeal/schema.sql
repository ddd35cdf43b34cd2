CREATE TABLE creator (
  creatorId INTEGER PRIMARY KEY,
  handle VARCHAR NOT NULL,
  niche VARCHAR NOT NULL,
  platform VARCHAR NOT NULL,
  followers INTEGER NOT NULL,
  birthDate DATE,
  verified BOOLEAN NOT NULL
);
CREATE TABLE brand (
  brandId INTEGER PRIMARY KEY,
  brandName VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  homeCountry VARCHAR NOT NULL
);
CREATE TABLE agent (
  agentId INTEGER PRIMARY KEY,
  agentName VARCHAR NOT NULL,
  commissionPct DOUBLE NOT NULL -- percent
);
CREATE TABLE deal (
  dealId INTEGER PRIMARY KEY,
  creatorId INTEGER NOT NULL REFERENCES creator (creatorId),
  brandId INTEGER NOT NULL REFERENCES brand (brandId),
  agentId INTEGER REFERENCES agent (agentId), -- empty when done directly
  dealStatus VARCHAR NOT NULL,
  fee DECIMAL(10, 2) NOT NULL, -- USD, 0 when paid in goods
  signedOn DATE,
  exclusive BOOLEAN NOT NULL
);
CREATE TABLE post (
  postId INTEGER PRIMARY KEY,
  dealId INTEGER NOT NULL REFERENCES deal (dealId),
  format VARCHAR NOT NULL,
  publishedAt TIMESTAMP NOT NULL,
  likes INTEGER NOT NULL,
  comments INTEGER NOT NULL,
  adLabel BOOLEAN NOT NULL -- marked as advertising
);
