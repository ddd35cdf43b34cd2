CREATE TABLE site (
  s_id INTEGER PRIMARY KEY,
  s_name VARCHAR NOT NULL,
  seats INTEGER NOT NULL,
  kind VARCHAR NOT NULL,
  closed_fri BOOLEAN NOT NULL -- closed on Fridays
);
CREATE TABLE cook (
  c_id INTEGER PRIMARY KEY,
  c_name VARCHAR NOT NULL,
  rank VARCHAR NOT NULL,
  s_id INTEGER REFERENCES site (s_id),
  since DATE NOT NULL,
  chief_id INTEGER REFERENCES cook (c_id)
);
CREATE TABLE dish (
  d_id INTEGER PRIMARY KEY,
  d_name VARCHAR NOT NULL,
  course VARCHAR NOT NULL,
  diet VARCHAR NOT NULL,
  kcal INTEGER,
  co2_g INTEGER, -- grams of CO2 per portion
  created_by INTEGER REFERENCES cook (c_id)
);
CREATE TABLE allergen (
  a_code VARCHAR PRIMARY KEY,
  a_label VARCHAR NOT NULL
);
CREATE TABLE dish_allergen (
  d_id INTEGER NOT NULL REFERENCES dish (d_id),
  a_code VARCHAR NOT NULL REFERENCES allergen (a_code),
  traces BOOLEAN NOT NULL,
  PRIMARY KEY (d_id, a_code)
);
CREATE TABLE menu_line (
  m_id INTEGER PRIMARY KEY,
  s_id INTEGER NOT NULL REFERENCES site (s_id),
  d_id INTEGER NOT NULL REFERENCES dish (d_id),
  day DATE NOT NULL,
  counter VARCHAR NOT NULL,
  price_student DECIMAL(10, 2) NOT NULL, -- EUR
  price_guest DECIMAL(10, 2) NOT NULL, -- EUR
  planned INTEGER NOT NULL, -- portions
  served INTEGER, -- portions
  wasted_kg DOUBLE
);
