CREATE TABLE tbl_material (
  mat_id INTEGER PRIMARY KEY,
  mat_name VARCHAR NOT NULL,
  mat_group VARCHAR NOT NULL,
  hazardous BOOLEAN NOT NULL,
  rate_per_kg DECIMAL(10, 3) -- EUR we get for it, negative when we pay for disposal
);
CREATE TABLE tbl_site (
  site_id INTEGER PRIMARY KEY,
  site_name VARCHAR NOT NULL,
  postcode VARCHAR NOT NULL,
  open_sundays BOOLEAN NOT NULL,
  manager_emp_id INTEGER REFERENCES tbl_employee (emp_id)
);
CREATE TABLE tbl_container (
  cont_id INTEGER PRIMARY KEY,
  cont_code VARCHAR NOT NULL,
  site_id INTEGER NOT NULL REFERENCES tbl_site (site_id),
  mat_id INTEGER NOT NULL REFERENCES tbl_material (mat_id),
  capacity_l INTEGER NOT NULL,
  fill_pct INTEGER NOT NULL,
  last_emptied DATE
);
CREATE TABLE tbl_employee (
  emp_id INTEGER PRIMARY KEY,
  emp_name VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  site_id INTEGER REFERENCES tbl_site (site_id),
  forklift BOOLEAN NOT NULL, -- has the licence
  start_dt DATE NOT NULL
);
CREATE TABLE tbl_delivery (
  del_id BIGINT PRIMARY KEY,
  site_id INTEGER NOT NULL REFERENCES tbl_site (site_id),
  mat_id INTEGER NOT NULL REFERENCES tbl_material (mat_id),
  arrived_ts TIMESTAMP NOT NULL,
  kg DOUBLE NOT NULL,
  brought_by VARCHAR NOT NULL,
  charge DECIMAL(10, 2), -- EUR, empty when dropped off free of charge
  refused BOOLEAN NOT NULL,
  taken_by INTEGER REFERENCES tbl_employee (emp_id)
);
CREATE TABLE tbl_shipment (
  shp_id INTEGER PRIMARY KEY,
  from_site INTEGER NOT NULL REFERENCES tbl_site (site_id),
  to_site INTEGER REFERENCES tbl_site (site_id), -- empty for outside buyers
  mat_id INTEGER NOT NULL REFERENCES tbl_material (mat_id),
  shp_dt DATE NOT NULL,
  tonnes DOUBLE NOT NULL,
  haulier VARCHAR
);
