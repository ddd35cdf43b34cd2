CREATE TABLE t_motorway (
  mw_code VARCHAR PRIMARY KEY,
  mw_title VARCHAR NOT NULL,
  operator VARCHAR NOT NULL,
  len_km DOUBLE NOT NULL,
  lanes INTEGER NOT NULL,
  opened DATE NOT NULL
);
CREATE TABLE t_plaza (
  pz_id INTEGER PRIMARY KEY,
  pz_title VARCHAR NOT NULL,
  mw_code VARCHAR NOT NULL REFERENCES t_motorway (mw_code),
  booths INTEGER NOT NULL,
  free_flow BOOLEAN NOT NULL, -- true: cameras, no barriers
  takes_cash BOOLEAN NOT NULL
);
CREATE TABLE t_account (
  ac_id INTEGER PRIMARY KEY,
  holder VARCHAR NOT NULL,
  ac_kind VARCHAR NOT NULL,
  balance DECIMAL(10, 2) NOT NULL, -- EUR, negative: owes us
  opened DATE NOT NULL,
  blocked BOOLEAN NOT NULL
);
CREATE TABLE t_tag (
  tag_no VARCHAR PRIMARY KEY,
  ac_id INTEGER NOT NULL REFERENCES t_account (ac_id),
  veh_class VARCHAR NOT NULL,
  plate VARCHAR NOT NULL,
  lost_on DATE
);
CREATE TABLE t_transit (
  tr_id BIGINT PRIMARY KEY,
  entry_pz INTEGER REFERENCES t_plaza (pz_id), -- empty: entry not seen
  exit_pz INTEGER NOT NULL REFERENCES t_plaza (pz_id),
  tag_no VARCHAR REFERENCES t_tag (tag_no), -- empty: paid without tag
  exit_ts TIMESTAMP NOT NULL,
  pay_mode VARCHAR NOT NULL,
  toll DECIMAL(10, 2) NOT NULL -- EUR
);
