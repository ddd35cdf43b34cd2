CREATE TABLE therapist (
  th_id INTEGER PRIMARY KEY,
  th_name VARCHAR NOT NULL,
  qual VARCHAR NOT NULL, -- special qualification
  lang VARCHAR NOT NULL, -- language spoken
  hrs_wk INTEGER NOT NULL
);
CREATE TABLE pat (
  pat_id INTEGER PRIMARY KEY,
  pat_name VARCHAR NOT NULL,
  age INTEGER NOT NULL,
  insur VARCHAR NOT NULL,
  sport VARCHAR,
  tel VARCHAR
);
CREATE TABLE doc (
  doc_id INTEGER PRIMARY KEY,
  doc_name VARCHAR NOT NULL,
  field VARCHAR NOT NULL
);
CREATE TABLE referral (
  ref_id INTEGER PRIMARY KEY,
  pat_id INTEGER NOT NULL REFERENCES pat (pat_id),
  doc_id INTEGER REFERENCES doc (doc_id), -- empty for self-payers
  body_part VARCHAR NOT NULL,
  diag VARCHAR NOT NULL,
  n_sess INTEGER NOT NULL, -- sessions granted
  issued DATE NOT NULL,
  post_op BOOLEAN NOT NULL
);
CREATE TABLE sess (
  sess_id INTEGER PRIMARY KEY,
  ref_id INTEGER NOT NULL REFERENCES referral (ref_id),
  th_id INTEGER NOT NULL REFERENCES therapist (th_id),
  beg TIMESTAMP NOT NULL,
  dur_min INTEGER NOT NULL,
  meth VARCHAR NOT NULL,
  pain_bef INTEGER, -- 0 to 10
  pain_aft INTEGER,
  fee DECIMAL(10, 2) NOT NULL,
  no_show BOOLEAN NOT NULL
);
