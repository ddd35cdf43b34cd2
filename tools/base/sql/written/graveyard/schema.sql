CREATE TABLE section (
  sec_code VARCHAR PRIMARY KEY,
  sec_name VARCHAR NOT NULL,
  opened_year INTEGER NOT NULL,
  closed BOOLEAN NOT NULL, -- no new burials
  plots_total INTEGER NOT NULL
);
CREATE TABLE leaseholder (
  holder_id INTEGER PRIMARY KEY,
  holder_name VARCHAR NOT NULL,
  town VARCHAR,
  phone VARCHAR,
  in_arrears BOOLEAN NOT NULL
);
CREATE TABLE plot (
  plot_id INTEGER PRIMARY KEY,
  plot_label VARCHAR NOT NULL,
  sec_code VARCHAR NOT NULL REFERENCES section (sec_code),
  kind VARCHAR NOT NULL,
  holder_id INTEGER REFERENCES leaseholder (holder_id), -- empty when free
  lease_from DATE,
  lease_to DATE,
  yearly_rent DECIMAL(10, 2) NOT NULL, -- EUR
  tended_by VARCHAR
);
CREATE TABLE mason (
  mason_id INTEGER PRIMARY KEY,
  firm VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  licensed_until DATE
);
CREATE TABLE burial (
  burial_id INTEGER PRIMARY KEY,
  plot_id INTEGER NOT NULL REFERENCES plot (plot_id),
  deceased VARCHAR NOT NULL,
  born_on DATE,
  died_on DATE NOT NULL,
  buried_on DATE NOT NULL,
  rite VARCHAR,
  cremated BOOLEAN NOT NULL,
  occupation VARCHAR
);
CREATE TABLE headstone (
  stone_id INTEGER PRIMARY KEY,
  plot_id INTEGER NOT NULL REFERENCES plot (plot_id),
  mason_id INTEGER REFERENCES mason (mason_id),
  material VARCHAR NOT NULL,
  erected_on DATE,
  height_cm INTEGER,
  listed BOOLEAN NOT NULL, -- protected monument
  last_stability_test DATE,
  stable BOOLEAN
);
