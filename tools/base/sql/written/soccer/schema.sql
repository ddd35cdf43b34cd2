CREATE TABLE teams (
  team_id INTEGER PRIMARY KEY,
  team_name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  stadium VARCHAR NOT NULL,
  capacity INTEGER NOT NULL, -- seats
  founded INTEGER NOT NULL, -- year
  budget DECIMAL(10, 2) -- million EUR
);
CREATE TABLE players (
  player_id INTEGER PRIMARY KEY,
  player_name VARCHAR NOT NULL,
  team_id INTEGER REFERENCES teams (team_id), -- empty for free agents
  position VARCHAR NOT NULL,
  birth_date DATE NOT NULL,
  nationality VARCHAR NOT NULL,
  shirt_no INTEGER,
  market_value DECIMAL(10, 2) -- million EUR
);
CREATE TABLE referees (
  referee_id INTEGER PRIMARY KEY,
  ref_name VARCHAR NOT NULL,
  licensed_since DATE NOT NULL,
  home_town VARCHAR
);
CREATE TABLE matches (
  match_id INTEGER PRIMARY KEY,
  matchday INTEGER NOT NULL,
  kickoff TIMESTAMP NOT NULL,
  home_team_id INTEGER NOT NULL REFERENCES teams (team_id),
  away_team_id INTEGER NOT NULL REFERENCES teams (team_id),
  home_goals INTEGER, -- empty until played
  away_goals INTEGER,
  attendance INTEGER,
  referee_id INTEGER REFERENCES referees (referee_id)
);
CREATE TABLE goals (
  goal_id INTEGER PRIMARY KEY,
  match_id INTEGER NOT NULL REFERENCES matches (match_id),
  player_id INTEGER NOT NULL REFERENCES players (player_id),
  minute INTEGER NOT NULL,
  kind VARCHAR NOT NULL
);
CREATE TABLE cards (
  card_id INTEGER PRIMARY KEY,
  match_id INTEGER NOT NULL REFERENCES matches (match_id),
  player_id INTEGER NOT NULL REFERENCES players (player_id),
  minute INTEGER NOT NULL,
  colour VARCHAR NOT NULL,
  reason VARCHAR
);
