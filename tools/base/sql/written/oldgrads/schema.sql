CREATE TABLE chapter (
  chapter_id INTEGER PRIMARY KEY,
  city VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  founded DATE NOT NULL,
  annual_dues DECIMAL(10,2) NOT NULL -- CHF
);
CREATE TABLE member (
  member_id INTEGER PRIMARY KEY,
  mname VARCHAR NOT NULL,
  grad_year INTEGER NOT NULL,
  major VARCHAR NOT NULL,
  chapter_id INTEGER REFERENCES chapter (chapter_id), -- empty for people without a chapter
  employer VARCHAR, -- empty for those out of work or retired
  tier VARCHAR NOT NULL,
  lapsed BOOLEAN NOT NULL,
  recruited_by INTEGER REFERENCES member (member_id)
);
CREATE TABLE gathering (
  gathering_id INTEGER PRIMARY KEY,
  headline VARCHAR NOT NULL,
  chapter_id INTEGER NOT NULL REFERENCES chapter (chapter_id),
  starts TIMESTAMP NOT NULL,
  format VARCHAR NOT NULL,
  ticket DECIMAL(10,2) NOT NULL, -- CHF
  capacity INTEGER
);
CREATE TABLE rsvp (
  gathering_id INTEGER NOT NULL REFERENCES gathering (gathering_id),
  member_id INTEGER NOT NULL REFERENCES member (member_id),
  answer VARCHAR NOT NULL,
  guests INTEGER NOT NULL,
  checked_in BOOLEAN NOT NULL,
  PRIMARY KEY (gathering_id, member_id)
);
CREATE TABLE gift (
  gift_id INTEGER PRIMARY KEY,
  member_id INTEGER NOT NULL REFERENCES member (member_id),
  given_on DATE NOT NULL,
  chf DECIMAL(10,2) NOT NULL,
  campaign VARCHAR NOT NULL,
  thanked BOOLEAN NOT NULL
);
