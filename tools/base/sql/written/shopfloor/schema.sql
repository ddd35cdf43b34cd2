CREATE TABLE tblHall (
  hall_nr INTEGER PRIMARY KEY,
  hall_label VARCHAR NOT NULL,
  area_sqm INTEGER NOT NULL,
  aircon BOOLEAN NOT NULL
);
CREATE TABLE tblMachine (
  mach_nr INTEGER PRIMARY KEY,
  mach_label VARCHAR NOT NULL,
  mach_type VARCHAR NOT NULL,
  hall_nr INTEGER NOT NULL REFERENCES tblHall (hall_nr),
  vendor VARCHAR NOT NULL,
  yr_built INTEGER NOT NULL,
  mode VARCHAR NOT NULL,
  power_kw DOUBLE NOT NULL
);
CREATE TABLE tblSensor (
  sens_nr INTEGER PRIMARY KEY,
  mach_nr INTEGER NOT NULL REFERENCES tblMachine (mach_nr),
  quantity VARCHAR NOT NULL, -- what it measures
  unit VARCHAR NOT NULL,
  upper_lim DOUBLE,
  calib_due DATE,
  wireless BOOLEAN NOT NULL
);
CREATE TABLE tblReading (
  read_nr BIGINT PRIMARY KEY,
  sens_nr INTEGER NOT NULL REFERENCES tblSensor (sens_nr),
  read_ts TIMESTAMP NOT NULL,
  val DOUBLE,
  bad_quality BOOLEAN NOT NULL
);
CREATE TABLE tblStaff (
  staff_nr INTEGER PRIMARY KEY,
  staff_name VARCHAR NOT NULL,
  job VARCHAR NOT NULL,
  hall_nr INTEGER REFERENCES tblHall (hall_nr),
  part_time BOOLEAN NOT NULL
);
CREATE TABLE tblAlarm (
  alarm_nr INTEGER PRIMARY KEY,
  sens_nr INTEGER NOT NULL REFERENCES tblSensor (sens_nr),
  raised_ts TIMESTAMP NOT NULL,
  acked_by INTEGER REFERENCES tblStaff (staff_nr), -- empty until acknowledged
  sev INTEGER NOT NULL, -- 1 worst, 4 harmless
  false_alarm BOOLEAN
);
