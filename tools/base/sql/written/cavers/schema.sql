CREATE TABLE cv_cave (
  cave_key VARCHAR PRIMARY KEY,
  cave_title VARCHAR NOT NULL,
  rock VARCHAR NOT NULL,
  valley VARCHAR NOT NULL,
  length_m INTEGER NOT NULL, -- surveyed so far
  depth_m INTEGER NOT NULL,
  gated BOOLEAN NOT NULL,
  found_year INTEGER
);
CREATE TABLE cv_club (
  club_key INTEGER PRIMARY KEY,
  club_title VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  founded_year INTEGER
);
CREATE TABLE cv_member (
  member_key INTEGER PRIMARY KEY,
  member_name VARCHAR NOT NULL,
  club_key INTEGER REFERENCES cv_club (club_key),
  birth_date DATE,
  rescue_trained BOOLEAN NOT NULL,
  skill VARCHAR NOT NULL
);
CREATE TABLE cv_passage (
  passage_key INTEGER PRIMARY KEY,
  cave_key VARCHAR NOT NULL REFERENCES cv_cave (cave_key),
  passage_title VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  width_m DOUBLE, -- narrowest spot
  flooded BOOLEAN NOT NULL,
  mapped_on DATE -- empty: unmapped lead
);
CREATE TABLE cv_trip (
  trip_key INTEGER PRIMARY KEY,
  cave_key VARCHAR NOT NULL REFERENCES cv_cave (cave_key),
  leader_key INTEGER NOT NULL REFERENCES cv_member (member_key),
  went_in TIMESTAMP NOT NULL,
  came_out TIMESTAMP, -- empty while underground
  purpose VARCHAR NOT NULL,
  shots INTEGER NOT NULL -- survey legs measured
);
CREATE TABLE cv_trip_member (
  trip_key INTEGER NOT NULL REFERENCES cv_trip (trip_key),
  member_key INTEGER NOT NULL REFERENCES cv_member (member_key),
  task VARCHAR NOT NULL,
  PRIMARY KEY (trip_key, member_key)
);
