CREATE TABLE pod (
  pod_cd VARCHAR PRIMARY KEY,
  ttl VARCHAR NOT NULL,
  cat VARCHAR NOT NULL, -- topic
  lang VARCHAR NOT NULL,
  launch_dt DATE NOT NULL,
  end_dt DATE, -- empty while running
  freq VARCHAR NOT NULL,
  expl BOOLEAN NOT NULL -- explicit language
);
CREATE TABLE host (
  host_id INTEGER PRIMARY KEY,
  nm VARCHAR NOT NULL,
  town VARCHAR NOT NULL,
  mic VARCHAR,
  staff BOOLEAN NOT NULL -- employed by the network
);
CREATE TABLE pod_host (
  pod_cd VARCHAR NOT NULL REFERENCES pod (pod_cd),
  host_id INTEGER NOT NULL REFERENCES host (host_id),
  since_dt DATE NOT NULL,
  PRIMARY KEY (pod_cd, host_id)
);
CREATE TABLE ep (
  ep_id INTEGER PRIMARY KEY,
  pod_cd VARCHAR NOT NULL REFERENCES pod (pod_cd),
  ep_no INTEGER NOT NULL,
  ep_ttl VARCHAR NOT NULL,
  guest VARCHAR,
  len_min INTEGER NOT NULL,
  pub_ts TIMESTAMP, -- empty until published
  dl_cnt INTEGER NOT NULL, -- downloads
  bonus BOOLEAN NOT NULL
);
CREATE TABLE spons (
  spons_id INTEGER PRIMARY KEY,
  co_nm VARCHAR NOT NULL,
  industry VARCHAR NOT NULL,
  acct_mgr VARCHAR
);
CREATE TABLE ad_slot (
  slot_id INTEGER PRIMARY KEY,
  ep_id INTEGER NOT NULL REFERENCES ep (ep_id),
  spons_id INTEGER REFERENCES spons (spons_id), -- empty when unsold
  pos VARCHAR NOT NULL,
  secs INTEGER NOT NULL,
  fee_amt DECIMAL(10, 2), -- USD
  paid_flg BOOLEAN NOT NULL
);
