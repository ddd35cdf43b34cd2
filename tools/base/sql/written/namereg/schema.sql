CREATE TABLE reg_holder (
  holder_id INTEGER PRIMARY KEY,
  holder_name VARCHAR NOT NULL,
  holder_type VARCHAR NOT NULL,
  country_cd VARCHAR NOT NULL,
  referred_by INTEGER REFERENCES reg_holder (holder_id)
);
CREATE TABLE reg_tld (
  tld VARCHAR PRIMARY KEY,
  registry_name VARCHAR NOT NULL,
  yearly_price DECIMAL(10, 2) NOT NULL, -- EUR
  needs_local_addr BOOLEAN NOT NULL
);
CREATE TABLE reg_domain (
  dom_id INTEGER PRIMARY KEY,
  dom_name VARCHAR NOT NULL,
  tld VARCHAR NOT NULL REFERENCES reg_tld (tld),
  holder_id INTEGER NOT NULL REFERENCES reg_holder (holder_id),
  created_dt DATE NOT NULL,
  expires_dt DATE NOT NULL,
  dom_status VARCHAR NOT NULL,
  auto_renew BOOLEAN NOT NULL,
  dnssec BOOLEAN NOT NULL
);
CREATE TABLE reg_transfer (
  trf_id INTEGER PRIMARY KEY,
  dom_id INTEGER NOT NULL REFERENCES reg_domain (dom_id),
  from_holder INTEGER NOT NULL REFERENCES reg_holder (holder_id),
  to_holder INTEGER NOT NULL REFERENCES reg_holder (holder_id),
  asked_dt DATE NOT NULL,
  done_dt DATE, -- empty while pending
  sale_price DECIMAL(10, 2) -- EUR
);
CREATE TABLE reg_dispute (
  disp_id INTEGER PRIMARY KEY,
  dom_id INTEGER NOT NULL REFERENCES reg_domain (dom_id),
  ground VARCHAR NOT NULL,
  opened_dt DATE NOT NULL,
  ruling VARCHAR -- empty while undecided
);
