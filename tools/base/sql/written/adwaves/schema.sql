CREATE TABLE shows (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  genre VARCHAR NOT NULL,
  host_name VARCHAR NOT NULL,
  weekly_listeners INTEGER NOT NULL,
  explicit_content BOOLEAN NOT NULL
);
CREATE TABLE sponsors (
  id INTEGER PRIMARY KEY,
  brand VARCHAR NOT NULL,
  industry VARCHAR NOT NULL,
  yearly_budget DECIMAL(10, 2), -- USD
  signed_up DATE NOT NULL
);
CREATE TABLE episodes (
  id INTEGER PRIMARY KEY,
  show_id INTEGER NOT NULL REFERENCES shows (id),
  episode_title VARCHAR NOT NULL,
  released DATE NOT NULL,
  length_min INTEGER NOT NULL, -- minutes
  downloads INTEGER NOT NULL
);
CREATE TABLE ad_spots (
  id INTEGER PRIMARY KEY,
  episode_id INTEGER NOT NULL REFERENCES episodes (id),
  sponsor_id INTEGER NOT NULL REFERENCES sponsors (id),
  slot VARCHAR NOT NULL,
  seconds INTEGER NOT NULL,
  fee DECIMAL(10, 2) NOT NULL, -- USD
  host_read BOOLEAN NOT NULL,
  promo_code VARCHAR
);
CREATE TABLE invoices (
  id INTEGER PRIMARY KEY,
  sponsor_id INTEGER NOT NULL REFERENCES sponsors (id),
  issued DATE NOT NULL,
  amount DECIMAL(10, 2) NOT NULL, -- USD
  settled DATE
);
