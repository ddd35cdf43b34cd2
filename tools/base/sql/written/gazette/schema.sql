CREATE TABLE desks (
  desk_id INTEGER PRIMARY KEY,
  desk VARCHAR NOT NULL,
  floor INTEGER NOT NULL
);
CREATE TABLE journalists (
  journalist_id INTEGER PRIMARY KEY,
  byline VARCHAR NOT NULL,
  desk_id INTEGER REFERENCES desks (desk_id),
  chief_id INTEGER REFERENCES journalists (journalist_id),
  employment VARCHAR NOT NULL,
  hired DATE NOT NULL,
  posted_to VARCHAR -- foreign city, empty when at home
);
CREATE TABLE articles (
  article_id INTEGER PRIMARY KEY,
  headline VARCHAR NOT NULL,
  journalist_id INTEGER REFERENCES journalists (journalist_id), -- empty for agency copy
  desk_id INTEGER NOT NULL REFERENCES desks (desk_id),
  kind VARCHAR NOT NULL,
  words INTEGER NOT NULL,
  filed_at TIMESTAMP NOT NULL,
  published_at TIMESTAMP,
  page INTEGER, -- empty when only online
  clicks INTEGER NOT NULL,
  paywalled BOOLEAN NOT NULL
);
CREATE TABLE corrections (
  correction_id INTEGER PRIMARY KEY,
  article_id INTEGER NOT NULL REFERENCES articles (article_id),
  severity VARCHAR NOT NULL,
  issued_on DATE NOT NULL,
  requested_by VARCHAR NOT NULL
);
CREATE TABLE subscribers (
  subscriber_id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  plan VARCHAR NOT NULL,
  monthly_fee DECIMAL(10, 2) NOT NULL, -- GBP
  started DATE NOT NULL,
  cancelled DATE
);
CREATE TABLE complaints (
  complaint_id INTEGER PRIMARY KEY,
  subscriber_id INTEGER NOT NULL REFERENCES subscribers (subscriber_id),
  topic VARCHAR NOT NULL,
  received DATE NOT NULL,
  settled BOOLEAN NOT NULL
);
