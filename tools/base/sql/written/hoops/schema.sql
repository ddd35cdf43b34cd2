CREATE TABLE clubs (
  id INTEGER PRIMARY KEY,
  club VARCHAR NOT NULL,
  conference VARCHAR NOT NULL,
  arena VARCHAR NOT NULL,
  arena_seats INTEGER NOT NULL,
  head_coach VARCHAR -- empty while vacant
);
CREATE TABLE roster (
  id INTEGER PRIMARY KEY,
  player VARCHAR NOT NULL,
  club_id INTEGER NOT NULL REFERENCES clubs (id),
  pos VARCHAR NOT NULL, -- PG point guard, SG shooting guard, SF small forward, PF power forward, C center
  height_cm INTEGER NOT NULL,
  rookie BOOLEAN NOT NULL,
  college VARCHAR,
  salary_k INTEGER NOT NULL, -- thousand USD
  injured_until DATE
);
CREATE TABLE games (
  id INTEGER PRIMARY KEY,
  tip_off TIMESTAMP NOT NULL,
  home_club_id INTEGER NOT NULL REFERENCES clubs (id),
  visiting_club_id INTEGER NOT NULL REFERENCES clubs (id),
  home_pts INTEGER,
  visitor_pts INTEGER,
  overtimes INTEGER NOT NULL,
  playoff BOOLEAN NOT NULL,
  crowd INTEGER
);
CREATE TABLE box_lines (
  game_id INTEGER NOT NULL REFERENCES games (id),
  roster_id INTEGER NOT NULL REFERENCES roster (id),
  minutes INTEGER NOT NULL,
  pts INTEGER NOT NULL,
  rebounds INTEGER NOT NULL,
  assists INTEGER NOT NULL,
  threes_made INTEGER NOT NULL,
  fouls INTEGER NOT NULL,
  started BOOLEAN NOT NULL,
  PRIMARY KEY (game_id, roster_id)
);
CREATE TABLE trades (
  id INTEGER PRIMARY KEY,
  roster_id INTEGER NOT NULL REFERENCES roster (id),
  from_club_id INTEGER NOT NULL REFERENCES clubs (id),
  to_club_id INTEGER NOT NULL REFERENCES clubs (id),
  traded_on DATE NOT NULL,
  cash_k INTEGER -- thousand USD, empty for pure swaps
);
