CREATE TABLE investors (
  id INTEGER PRIMARY KEY,
  nickname VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  risk_profile VARCHAR NOT NULL,
  joined DATE NOT NULL,
  referred_by INTEGER REFERENCES investors (id)
);
CREATE TABLE securities (
  ticker VARCHAR PRIMARY KEY,
  company VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  exchange VARCHAR NOT NULL,
  last_price DOUBLE NOT NULL,
  dividend_yield DOUBLE, -- percent, empty if none is paid
  market_cap_m BIGINT NOT NULL, -- millions
  ipo_date DATE,
  is_etf BOOLEAN NOT NULL
);
CREATE TABLE trades (
  id BIGINT PRIMARY KEY,
  investor_id INTEGER NOT NULL REFERENCES investors (id),
  ticker VARCHAR NOT NULL REFERENCES securities (ticker),
  side VARCHAR NOT NULL,
  shares INTEGER NOT NULL,
  price DOUBLE NOT NULL,
  fee DECIMAL(10,2) NOT NULL,
  executed_at TIMESTAMP NOT NULL
);
CREATE TABLE positions (
  id INTEGER PRIMARY KEY,
  investor_id INTEGER NOT NULL REFERENCES investors (id),
  ticker VARCHAR NOT NULL REFERENCES securities (ticker),
  quantity INTEGER NOT NULL,
  avg_cost DOUBLE NOT NULL,
  opened DATE NOT NULL
);
CREATE TABLE watchlist (
  investor_id INTEGER NOT NULL REFERENCES investors (id),
  ticker VARCHAR NOT NULL REFERENCES securities (ticker),
  added DATE NOT NULL,
  target_price DOUBLE,
  PRIMARY KEY (investor_id, ticker)
);
