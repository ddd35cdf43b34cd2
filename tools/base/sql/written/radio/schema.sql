CREATE TABLE host (
  host_id INTEGER PRIMARY KEY,
  stage_name VARCHAR NOT NULL,
  real_name VARCHAR,
  volunteer BOOLEAN NOT NULL,
  on_air_since DATE NOT NULL,
  mentor_id INTEGER REFERENCES host (host_id)
);
CREATE TABLE show (
  show_id INTEGER PRIMARY KEY,
  show_title VARCHAR NOT NULL,
  genre VARCHAR NOT NULL,
  main_host INTEGER NOT NULL REFERENCES host (host_id),
  co_host INTEGER REFERENCES host (host_id),
  slot VARCHAR NOT NULL,
  length_min INTEGER NOT NULL,
  syndicated BOOLEAN NOT NULL, -- bought in from another station
  first_aired DATE
);
CREATE TABLE artist (
  artist_id INTEGER PRIMARY KEY,
  artist_name VARCHAR NOT NULL,
  country VARCHAR,
  local_act BOOLEAN NOT NULL
);
CREATE TABLE track (
  track_id INTEGER PRIMARY KEY,
  song VARCHAR NOT NULL,
  artist_id INTEGER NOT NULL REFERENCES artist (artist_id),
  release_year INTEGER,
  seconds INTEGER NOT NULL,
  explicit BOOLEAN NOT NULL,
  format VARCHAR NOT NULL
);
CREATE TABLE spin (
  spin_id BIGINT PRIMARY KEY,
  track_id INTEGER NOT NULL REFERENCES track (track_id),
  show_id INTEGER NOT NULL REFERENCES show (show_id),
  played_at TIMESTAMP NOT NULL,
  listener_request BOOLEAN NOT NULL
);
CREATE TABLE sponsor (
  sponsor_id INTEGER PRIMARY KEY,
  company VARCHAR NOT NULL,
  industry VARCHAR NOT NULL,
  show_id INTEGER REFERENCES show (show_id), -- empty: sponsors the whole station
  pays_per_month DECIMAL(10,2) NOT NULL, -- USD
  contract_end DATE
);
