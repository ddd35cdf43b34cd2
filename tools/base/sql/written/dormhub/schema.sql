CREATE TABLE t_house (
  house_id INTEGER PRIMARY KEY,
  house_nm VARCHAR NOT NULL,
  street VARCHAR NOT NULL,
  built_yr INTEGER NOT NULL,
  has_lift BOOLEAN NOT NULL,
  caretaker VARCHAR -- empty while the post is vacant
);
CREATE TABLE t_room (
  room_id INTEGER PRIMARY KEY,
  house_id INTEGER NOT NULL REFERENCES t_house (house_id),
  room_no VARCHAR NOT NULL,
  floor_no INTEGER NOT NULL,
  sqm DOUBLE NOT NULL,
  room_typ VARCHAR NOT NULL,
  rent_amt DECIMAL(10,2) NOT NULL, -- EUR per month
  furnished BOOLEAN NOT NULL
);
CREATE TABLE t_tenant (
  tenant_id INTEGER PRIMARY KEY,
  tenant_nm VARCHAR NOT NULL,
  home_ctry VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  sem_no INTEGER NOT NULL,
  birth_dt DATE NOT NULL
);
CREATE TABLE t_lease (
  lease_id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES t_room (room_id),
  tenant_id INTEGER NOT NULL REFERENCES t_tenant (tenant_id),
  start_dt DATE NOT NULL,
  end_dt DATE, -- empty = open-ended
  deposit_amt DECIMAL(10,2) NOT NULL, -- EUR
  lease_st VARCHAR NOT NULL
);
CREATE TABLE t_repair (
  repair_id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL REFERENCES t_room (room_id),
  reported_ts TIMESTAMP NOT NULL,
  descr VARCHAR NOT NULL,
  trade VARCHAR NOT NULL,
  fixed_ts TIMESTAMP, -- empty while still broken
  cost_amt DECIMAL(10,2) -- EUR
);
