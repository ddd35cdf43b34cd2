CREATE TABLE t_dev (
  dev_id INTEGER PRIMARY KEY,
  dev_name VARCHAR NOT NULL,
  dev_ctry VARCHAR NOT NULL,
  dev_verified BOOLEAN NOT NULL,
  dev_since DATE NOT NULL
);
CREATE TABLE t_app (
  app_id INTEGER PRIMARY KEY,
  app_name VARCHAR NOT NULL,
  dev_id INTEGER NOT NULL REFERENCES t_dev (dev_id),
  app_cat VARCHAR NOT NULL,
  app_price DECIMAL(10,2) NOT NULL, -- EUR, 0 = free
  app_minage INTEGER NOT NULL, -- youngest age allowed
  app_size_mb DOUBLE NOT NULL,
  app_rel_dt DATE NOT NULL,
  app_pulled_dt DATE -- removed from the shelf
);
CREATE TABLE t_usr (
  usr_id INTEGER PRIMARY KEY,
  usr_nick VARCHAR NOT NULL,
  usr_birth DATE,
  usr_platform VARCHAR NOT NULL,
  usr_ctry VARCHAR NOT NULL
);
CREATE TABLE t_dl (
  dl_id BIGINT PRIMARY KEY,
  app_id INTEGER NOT NULL REFERENCES t_app (app_id),
  usr_id INTEGER NOT NULL REFERENCES t_usr (usr_id),
  dl_ts TIMESTAMP NOT NULL,
  dl_paid DECIMAL(10,2) NOT NULL, -- EUR
  dl_refunded BOOLEAN NOT NULL
);
CREATE TABLE t_rev (
  rev_id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL REFERENCES t_app (app_id),
  usr_id INTEGER NOT NULL REFERENCES t_usr (usr_id),
  rev_stars INTEGER NOT NULL, -- 1 to 5
  rev_txt VARCHAR,
  rev_dt DATE NOT NULL
);
