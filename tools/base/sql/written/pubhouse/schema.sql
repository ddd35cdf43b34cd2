CREATE TABLE tbl_imprint (
  imp_id INTEGER PRIMARY KEY,
  imp_name VARCHAR NOT NULL,
  imp_focus VARCHAR NOT NULL
);
CREATE TABLE tbl_editor (
  ed_id INTEGER PRIMARY KEY,
  ed_name VARCHAR NOT NULL,
  ed_office VARCHAR NOT NULL,
  ed_boss_id INTEGER REFERENCES tbl_editor (ed_id), -- empty for the head of the house
  ed_start DATE NOT NULL
);
CREATE TABLE tbl_author (
  au_id INTEGER PRIMARY KEY,
  au_name VARCHAR NOT NULL,
  au_pen_name VARCHAR, -- empty when writing under the own name
  au_nation VARCHAR NOT NULL,
  au_agent VARCHAR,
  au_died DATE
);
CREATE TABLE tbl_book (
  bk_id INTEGER PRIMARY KEY,
  bk_title VARCHAR NOT NULL,
  au_id INTEGER NOT NULL REFERENCES tbl_author (au_id),
  imp_id INTEGER NOT NULL REFERENCES tbl_imprint (imp_id),
  ed_id INTEGER REFERENCES tbl_editor (ed_id),
  bk_genre VARCHAR NOT NULL,
  bk_pages INTEGER,
  bk_stage VARCHAR NOT NULL,
  bk_pub_dt DATE, -- day of publication, also planned
  bk_translated BOOLEAN NOT NULL
);
CREATE TABLE tbl_edition (
  edn_isbn VARCHAR PRIMARY KEY,
  bk_id INTEGER NOT NULL REFERENCES tbl_book (bk_id),
  edn_format VARCHAR NOT NULL,
  edn_price DECIMAL(10, 2) NOT NULL, -- EUR
  edn_printrun INTEGER, -- copies
  edn_in_print BOOLEAN NOT NULL
);
CREATE TABLE tbl_contract (
  ct_id INTEGER PRIMARY KEY,
  au_id INTEGER NOT NULL REFERENCES tbl_author (au_id),
  bk_id INTEGER REFERENCES tbl_book (bk_id),
  ct_signed DATE NOT NULL,
  ct_advance DECIMAL(10, 2) NOT NULL, -- EUR
  ct_royalty DOUBLE NOT NULL, -- percent
  ct_due DATE -- manuscript due
);
CREATE TABLE tbl_sale (
  sl_id BIGINT PRIMARY KEY,
  edn_isbn VARCHAR NOT NULL REFERENCES tbl_edition (edn_isbn),
  sl_dt DATE NOT NULL,
  sl_qty INTEGER NOT NULL,
  sl_returned INTEGER NOT NULL,
  sl_channel VARCHAR NOT NULL
);
