CREATE TABLE Topics (
  topicId INTEGER PRIMARY KEY,
  topicName VARCHAR NOT NULL,
  parentTopicId INTEGER REFERENCES Topics (topicId)
);
CREATE TABLE Keywords (
  keywordId INTEGER PRIMARY KEY,
  phrase VARCHAR NOT NULL,
  topicId INTEGER REFERENCES Topics (topicId), -- empty when not sorted in yet
  lang VARCHAR NOT NULL,
  monthlySearches INTEGER NOT NULL,
  difficulty INTEGER NOT NULL, -- 0 to 100
  cpc DECIMAL(10, 2), -- EUR per click
  searchIntent VARCHAR NOT NULL
);
CREATE TABLE Websites (
  websiteId INTEGER PRIMARY KEY,
  hostName VARCHAR NOT NULL,
  isOurs BOOLEAN NOT NULL, -- otherwise a competitor
  authority INTEGER NOT NULL -- 0 to 100
);
CREATE TABLE Rankings (
  rankingId INTEGER PRIMARY KEY,
  keywordId INTEGER NOT NULL REFERENCES Keywords (keywordId),
  websiteId INTEGER NOT NULL REFERENCES Websites (websiteId),
  checkedOn DATE NOT NULL,
  pos INTEGER NOT NULL,
  engine VARCHAR NOT NULL
);
CREATE TABLE ContentTasks (
  taskId INTEGER PRIMARY KEY,
  keywordId INTEGER NOT NULL REFERENCES Keywords (keywordId),
  writer VARCHAR, -- empty when nobody took it
  taskState VARCHAR NOT NULL,
  dueOn DATE NOT NULL,
  wordCount INTEGER
);
