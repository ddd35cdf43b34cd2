CREATE TABLE wind_park (
  park_key VARCHAR PRIMARY KEY,
  park VARCHAR NOT NULL,
  region VARCHAR NOT NULL,
  offshore BOOLEAN NOT NULL,
  commissioned DATE NOT NULL,
  feed_in_tariff DOUBLE -- cents per kWh
);
CREATE TABLE turbine (
  turbine_id INTEGER PRIMARY KEY,
  tag VARCHAR NOT NULL,
  park_key VARCHAR NOT NULL REFERENCES wind_park (park_key),
  maker VARCHAR NOT NULL,
  rated_kw INTEGER NOT NULL,
  hub_height_m INTEGER NOT NULL,
  rotor_d_m INTEGER NOT NULL,
  op_state VARCHAR NOT NULL,
  warranty_end DATE
);
CREATE TABLE technician (
  tech_id INTEGER PRIMARY KEY,
  tech_name VARCHAR NOT NULL,
  base VARCHAR NOT NULL,
  climb_cert_until DATE,
  team_lead_id INTEGER REFERENCES technician (tech_id),
  day_rate DECIMAL(10, 2) NOT NULL -- EUR
);
CREATE TABLE work_order (
  wo_id INTEGER PRIMARY KEY,
  turbine_id INTEGER NOT NULL REFERENCES turbine (turbine_id),
  tech_id INTEGER REFERENCES technician (tech_id), -- empty until assigned
  kind VARCHAR NOT NULL,
  component VARCHAR,
  priority INTEGER NOT NULL, -- 1 is highest
  created_ts TIMESTAMP NOT NULL,
  closed_ts TIMESTAMP,
  cost_eur DECIMAL(10, 2)
);
CREATE TABLE daily_yield (
  turbine_id INTEGER NOT NULL REFERENCES turbine (turbine_id),
  day DATE NOT NULL,
  kwh DOUBLE NOT NULL,
  avg_wind_ms DOUBLE NOT NULL, -- metres per second
  downtime_h DOUBLE NOT NULL, -- hours
  PRIMARY KEY (turbine_id, day)
);
CREATE TABLE landowner_lease (
  lease_id INTEGER PRIMARY KEY,
  park_key VARCHAR NOT NULL REFERENCES wind_park (park_key),
  owner_name VARCHAR NOT NULL,
  yearly_rent DECIMAL(10, 2) NOT NULL, -- EUR
  runs_until DATE NOT NULL
);
