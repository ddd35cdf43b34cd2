CREATE TABLE zone (
  zone_code VARCHAR PRIMARY KEY,
  zone_title VARCHAR NOT NULL,
  clearance INTEGER NOT NULL, -- 1 open to 5 top secret
  escort_needed BOOLEAN NOT NULL
);
CREATE TABLE door (
  door_id INTEGER PRIMARY KEY,
  door_label VARCHAR NOT NULL,
  from_zone VARCHAR NOT NULL REFERENCES zone (zone_code),
  to_zone VARCHAR NOT NULL REFERENCES zone (zone_code),
  reader_type VARCHAR NOT NULL,
  installed DATE,
  out_of_order BOOLEAN NOT NULL
);
CREATE TABLE holder (
  holder_id INTEGER PRIMARY KEY,
  holder_name VARCHAR NOT NULL,
  category VARCHAR NOT NULL,
  company VARCHAR, -- empty for our own people
  clearance INTEGER NOT NULL,
  sponsor_id INTEGER REFERENCES holder (holder_id)
);
CREATE TABLE badge (
  badge_no VARCHAR PRIMARY KEY,
  holder_id INTEGER REFERENCES holder (holder_id), -- empty for spare badges
  colour VARCHAR NOT NULL,
  issued DATE,
  expires DATE,
  blocked_reason VARCHAR -- empty if not blocked
);
CREATE TABLE swipe (
  swipe_id BIGINT PRIMARY KEY,
  badge_no VARCHAR NOT NULL REFERENCES badge (badge_no),
  door_id INTEGER NOT NULL REFERENCES door (door_id),
  swiped_at TIMESTAMP NOT NULL,
  result VARCHAR NOT NULL,
  seconds_open INTEGER
);
