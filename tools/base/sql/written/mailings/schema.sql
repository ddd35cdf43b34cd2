CREATE TABLE tblEditor (
  ed_id INTEGER PRIMARY KEY,
  ed_name VARCHAR NOT NULL,
  ed_desk VARCHAR NOT NULL
);
CREATE TABLE tblLetter (
  nl_id INTEGER PRIMARY KEY,
  nl_title VARCHAR NOT NULL,
  nl_topic VARCHAR NOT NULL,
  nl_freq VARCHAR NOT NULL,
  nl_lang VARCHAR NOT NULL,
  nl_fee DECIMAL(10,2) NOT NULL, -- EUR per month, 0 = free
  ed_id INTEGER NOT NULL REFERENCES tblEditor (ed_id)
);
CREATE TABLE tblReader (
  rd_id INTEGER PRIMARY KEY,
  rd_name VARCHAR,
  rd_mail VARCHAR NOT NULL,
  rd_ctry VARCHAR,
  rd_confirmed BOOLEAN NOT NULL, -- double opt-in clicked
  rd_since DATE NOT NULL
);
CREATE TABLE tblSub (
  rd_id INTEGER NOT NULL REFERENCES tblReader (rd_id),
  nl_id INTEGER NOT NULL REFERENCES tblLetter (nl_id),
  start_dt DATE NOT NULL,
  end_dt DATE, -- unsubscribed
  src VARCHAR NOT NULL,
  PRIMARY KEY (rd_id, nl_id)
);
CREATE TABLE tblIssue (
  is_id INTEGER PRIMARY KEY,
  nl_id INTEGER NOT NULL REFERENCES tblLetter (nl_id),
  is_subj VARCHAR NOT NULL,
  words INTEGER NOT NULL,
  sent_ts TIMESTAMP, -- empty while still a draft
  is_sponsored BOOLEAN NOT NULL
);
CREATE TABLE tblHit (
  hit_id BIGINT PRIMARY KEY,
  is_id INTEGER NOT NULL REFERENCES tblIssue (is_id),
  rd_id INTEGER NOT NULL REFERENCES tblReader (rd_id),
  act VARCHAR NOT NULL,
  hit_ts TIMESTAMP NOT NULL
);
