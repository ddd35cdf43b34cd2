CREATE TABLE member (
  member_no INTEGER PRIMARY KEY,
  handle VARCHAR NOT NULL,
  home_country VARCHAR,
  signed_up DATE NOT NULL,
  verified BOOLEAN NOT NULL
);
CREATE TABLE campaign (
  campaign_no INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  creator_no INTEGER NOT NULL REFERENCES member (member_no),
  topic VARCHAR NOT NULL,
  goal INTEGER NOT NULL, -- EUR
  raised INTEGER NOT NULL, -- EUR
  launched DATE NOT NULL,
  ends DATE NOT NULL,
  state VARCHAR NOT NULL,
  staff_pick BOOLEAN NOT NULL
);
CREATE TABLE reward (
  reward_no INTEGER PRIMARY KEY,
  campaign_no INTEGER NOT NULL REFERENCES campaign (campaign_no),
  reward_title VARCHAR NOT NULL,
  min_pledge INTEGER NOT NULL,
  stock INTEGER, -- empty: unlimited
  needs_shipping BOOLEAN NOT NULL,
  delivery_due DATE
);
CREATE TABLE pledge (
  pledge_no BIGINT PRIMARY KEY,
  backer_no INTEGER NOT NULL REFERENCES member (member_no),
  campaign_no INTEGER NOT NULL REFERENCES campaign (campaign_no),
  reward_no INTEGER REFERENCES reward (reward_no),
  amount DECIMAL(10,2) NOT NULL,
  pledged_at TIMESTAMP NOT NULL,
  anonymous BOOLEAN NOT NULL,
  refunded BOOLEAN NOT NULL
);
CREATE TABLE news_post (
  post_no INTEGER PRIMARY KEY,
  campaign_no INTEGER NOT NULL REFERENCES campaign (campaign_no),
  headline VARCHAR NOT NULL,
  posted_at TIMESTAMP NOT NULL,
  likes INTEGER NOT NULL
);
