CREATE TABLE trk (
  trk_id INTEGER PRIMARY KEY,
  callsign VARCHAR NOT NULL,
  rig_type VARCHAR NOT NULL,
  lift_t DOUBLE NOT NULL, -- tonnes it can pull
  yr INTEGER NOT NULL,
  out_of_order BOOLEAN NOT NULL
);
CREATE TABLE emp (
  emp_id INTEGER PRIMARY KEY,
  emp_name VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  trk_id INTEGER REFERENCES trk (trk_id), -- regular truck, if any
  start_dt DATE NOT NULL,
  commission_pct DOUBLE
);
CREATE TABLE yard (
  yard_id INTEGER PRIMARY KEY,
  yard_name VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  slots INTEGER NOT NULL,
  day_rate DECIMAL(10, 2) NOT NULL, -- USD per day of storage
  guarded BOOLEAN NOT NULL
);
CREATE TABLE partner (
  partner_id INTEGER PRIMARY KEY,
  partner_name VARCHAR NOT NULL,
  partner_kind VARCHAR NOT NULL,
  contract_end DATE
);
CREATE TABLE tow_call (
  call_id INTEGER PRIMARY KEY,
  driver_id INTEGER REFERENCES emp (emp_id), -- empty until dispatched
  dispatcher_id INTEGER NOT NULL REFERENCES emp (emp_id),
  partner_id INTEGER REFERENCES partner (partner_id), -- empty for private callers
  yard_id INTEGER REFERENCES yard (yard_id), -- empty when brought elsewhere
  rang_at TIMESTAMP NOT NULL,
  arrived_min INTEGER, -- minutes from call to arrival
  trouble VARCHAR NOT NULL,
  veh_desc VARCHAR NOT NULL,
  miles DOUBLE NOT NULL,
  bill DECIMAL(10, 2) NOT NULL, -- USD
  settled BOOLEAN NOT NULL,
  picked_up_dt DATE -- when the owner fetched the car
);
