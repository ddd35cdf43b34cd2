CREATE TABLE shop (
  shop_code VARCHAR PRIMARY KEY,
  street VARCHAR NOT NULL,
  quarter VARCHAR NOT NULL,
  has_key_cutting BOOLEAN NOT NULL
);
CREATE TABLE mender (
  mender_id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  shop_code VARCHAR NOT NULL REFERENCES shop (shop_code),
  certified_on DATE -- empty for trainees
);
CREATE TABLE patron (
  patron_id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  loyalty_points INTEGER NOT NULL
);
CREATE TABLE ticket (
  ticket_no INTEGER PRIMARY KEY,
  patron_id INTEGER NOT NULL REFERENCES patron (patron_id),
  shop_code VARCHAR NOT NULL REFERENCES shop (shop_code),
  mender_id INTEGER REFERENCES mender (mender_id),
  footwear VARCHAR NOT NULL,
  brand VARCHAR,
  size_eu INTEGER,
  leather BOOLEAN NOT NULL,
  dropped_off TIMESTAMP NOT NULL,
  ready_by DATE NOT NULL,
  collected TIMESTAMP,
  prepaid BOOLEAN NOT NULL
);
CREATE TABLE task (
  task_id INTEGER PRIMARY KEY,
  ticket_no INTEGER NOT NULL REFERENCES ticket (ticket_no),
  work_type VARCHAR NOT NULL,
  charge DECIMAL(10,2) NOT NULL, -- EUR
  minutes INTEGER,
  redo BOOLEAN NOT NULL -- done again after a complaint
);
