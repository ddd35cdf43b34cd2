CREATE TABLE lp_store (
  store_no INTEGER PRIMARY KEY,
  store_city VARCHAR NOT NULL,
  store_format VARCHAR NOT NULL,
  sqm INTEGER NOT NULL,
  opened_dt DATE NOT NULL
);
CREATE TABLE lp_member (
  card_no BIGINT PRIMARY KEY,
  mem_name VARCHAR NOT NULL,
  mem_tier VARCHAR NOT NULL,
  birth_dt DATE,
  email VARCHAR,
  join_dt DATE NOT NULL,
  home_store INTEGER REFERENCES lp_store (store_no),
  pts_bal INTEGER NOT NULL,
  card_lost BOOLEAN NOT NULL
);
CREATE TABLE lp_basket (
  bask_id BIGINT PRIMARY KEY,
  card_no BIGINT NOT NULL REFERENCES lp_member (card_no),
  store_no INTEGER NOT NULL REFERENCES lp_store (store_no),
  paid_ts TIMESTAMP NOT NULL,
  amt DECIMAL(10, 2) NOT NULL, -- EUR
  n_items INTEGER NOT NULL,
  pts_earned INTEGER NOT NULL,
  pay_mode VARCHAR NOT NULL,
  self_chk BOOLEAN NOT NULL -- self-checkout
);
CREATE TABLE lp_coupon (
  cpn_id INTEGER PRIMARY KEY,
  cpn_title VARCHAR NOT NULL,
  dept VARCHAR NOT NULL,
  pct_off INTEGER NOT NULL,
  valid_to DATE NOT NULL,
  app_only BOOLEAN NOT NULL
);
CREATE TABLE lp_redeem (
  red_id BIGINT PRIMARY KEY,
  cpn_id INTEGER NOT NULL REFERENCES lp_coupon (cpn_id),
  bask_id BIGINT NOT NULL REFERENCES lp_basket (bask_id),
  saved_amt DECIMAL(10, 2) NOT NULL -- EUR
);
