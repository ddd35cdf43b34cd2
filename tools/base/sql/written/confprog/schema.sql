CREATE TABLE conferences (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  starts_on DATE NOT NULL,
  ends_on DATE NOT NULL,
  ticket_price DECIMAL(10, 2) NOT NULL -- EUR
);
CREATE TABLE speakers (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  employer VARCHAR, -- empty for freelancers
  home_country VARCHAR NOT NULL,
  first_time BOOLEAN NOT NULL,
  fee INTEGER NOT NULL -- EUR per talk
);
CREATE TABLE rooms (
  id INTEGER PRIMARY KEY,
  room_name VARCHAR NOT NULL,
  seats INTEGER NOT NULL,
  has_recording BOOLEAN NOT NULL
);
CREATE TABLE talks (
  id INTEGER PRIMARY KEY,
  conference_id INTEGER NOT NULL REFERENCES conferences (id),
  room_id INTEGER REFERENCES rooms (id), -- empty until scheduled
  title VARCHAR NOT NULL,
  track VARCHAR NOT NULL,
  format VARCHAR NOT NULL,
  begins_at TIMESTAMP,
  minutes INTEGER NOT NULL,
  status VARCHAR NOT NULL
);
CREATE TABLE talk_speakers (
  talk_id INTEGER NOT NULL REFERENCES talks (id),
  speaker_id INTEGER NOT NULL REFERENCES speakers (id),
  is_lead BOOLEAN NOT NULL,
  PRIMARY KEY (talk_id, speaker_id)
);
CREATE TABLE ratings (
  id BIGINT PRIMARY KEY,
  talk_id INTEGER NOT NULL REFERENCES talks (id),
  stars INTEGER NOT NULL, -- 1 to 5
  remark VARCHAR,
  given_at TIMESTAMP NOT NULL
);
