CREATE TABLE tbl_gallery (
  gal_id INTEGER PRIMARY KEY,
  gal_label VARCHAR NOT NULL,
  gal_floor INTEGER NOT NULL,
  gal_sqm DOUBLE NOT NULL, -- square metres
  gal_climate BOOLEAN NOT NULL, -- climate controlled
  gal_open BOOLEAN NOT NULL
);
CREATE TABLE tbl_staff (
  st_id INTEGER PRIMARY KEY,
  st_name VARCHAR NOT NULL,
  st_role VARCHAR NOT NULL,
  st_salary DECIMAL(10,2) NOT NULL, -- EUR per year
  st_entry DATE NOT NULL,
  st_boss INTEGER REFERENCES tbl_staff (st_id)
);
CREATE TABLE tbl_donor (
  don_id INTEGER PRIMARY KEY,
  don_name VARCHAR NOT NULL,
  don_kind VARCHAR NOT NULL,
  don_country VARCHAR,
  don_anonymous BOOLEAN NOT NULL
);
CREATE TABLE tbl_object (
  obj_id INTEGER PRIMARY KEY,
  obj_title VARCHAR NOT NULL,
  obj_type VARCHAR NOT NULL,
  obj_origin VARCHAR,
  obj_year INTEGER, -- year made, negative: BC
  obj_insured DECIMAL(12,2), -- EUR
  obj_condition VARCHAR NOT NULL,
  obj_acquired DATE,
  gal_id INTEGER REFERENCES tbl_gallery (gal_id), -- empty: in storage
  don_id INTEGER REFERENCES tbl_donor (don_id), -- empty: bought
  curator_id INTEGER REFERENCES tbl_staff (st_id)
);
CREATE TABLE tbl_exhibition (
  exh_id INTEGER PRIMARY KEY,
  exh_title VARCHAR NOT NULL,
  exh_from DATE NOT NULL,
  exh_to DATE NOT NULL,
  exh_budget DECIMAL(12,2), -- EUR
  head_id INTEGER NOT NULL REFERENCES tbl_staff (st_id)
);
CREATE TABLE tbl_shown (
  exh_id INTEGER NOT NULL REFERENCES tbl_exhibition (exh_id),
  obj_id INTEGER NOT NULL REFERENCES tbl_object (obj_id),
  shown_case VARCHAR
);
CREATE TABLE tbl_ticket (
  tic_id BIGINT PRIMARY KEY,
  exh_id INTEGER REFERENCES tbl_exhibition (exh_id), -- empty: permanent collection only
  tic_sold TIMESTAMP NOT NULL,
  tic_kind VARCHAR NOT NULL,
  tic_price DECIMAL(6,2) NOT NULL, -- EUR
  tic_online BOOLEAN NOT NULL
);
