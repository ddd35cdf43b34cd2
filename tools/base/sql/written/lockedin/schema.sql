CREATE TABLE er_site (
  site_id INTEGER PRIMARY KEY,
  town VARCHAR NOT NULL,
  street VARCHAR NOT NULL,
  opened DATE NOT NULL,
  franchise BOOLEAN NOT NULL
);
CREATE TABLE er_master (
  master_id INTEGER PRIMARY KEY,
  nm VARCHAR NOT NULL,
  site_id INTEGER NOT NULL REFERENCES er_site (site_id),
  hrs_wk INTEGER NOT NULL, -- contracted hours per week
  lvl VARCHAR NOT NULL,
  start_dt DATE NOT NULL
);
CREATE TABLE er_room (
  room_id INTEGER PRIMARY KEY,
  site_id INTEGER NOT NULL REFERENCES er_site (site_id),
  room_nm VARCHAR NOT NULL,
  theme VARCHAR NOT NULL,
  diff INTEGER NOT NULL, -- 1 gentle to 10 fiendish
  tm_limit INTEGER NOT NULL, -- minutes
  min_ppl INTEGER NOT NULL,
  max_ppl INTEGER NOT NULL,
  scary BOOLEAN NOT NULL,
  closed_dt DATE -- empty while playable
);
CREATE TABLE er_game (
  game_id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES er_room (room_id),
  master_id INTEGER REFERENCES er_master (master_id),
  team_nm VARCHAR,
  grp_size INTEGER NOT NULL,
  start_ts TIMESTAMP NOT NULL,
  mins_used DOUBLE, -- empty when not yet played
  escaped BOOLEAN,
  hints INTEGER,
  price DECIMAL(10,2) NOT NULL, -- USD
  channel VARCHAR NOT NULL
);
CREATE TABLE er_defect (
  defect_id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES er_room (room_id),
  reported_by INTEGER REFERENCES er_master (master_id),
  item VARCHAR NOT NULL,
  reported_ts TIMESTAMP NOT NULL,
  fixed_dt DATE,
  repair_cost DECIMAL(10,2) -- USD
);
