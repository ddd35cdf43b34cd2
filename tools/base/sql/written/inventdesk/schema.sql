CREATE TABLE firms (
  firm_id INTEGER PRIMARY KEY,
  firm_name VARCHAR NOT NULL,
  hq_country VARCHAR NOT NULL,
  sector VARCHAR,
  staff INTEGER -- headcount
);
CREATE TABLE attorneys (
  attorney_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  office VARCHAR NOT NULL,
  hourly_rate DECIMAL(10, 2) NOT NULL, -- EUR
  mentor_id INTEGER REFERENCES attorneys (attorney_id)
);
CREATE TABLE patents (
  patent_id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  owner_id INTEGER NOT NULL REFERENCES firms (firm_id),
  attorney_id INTEGER REFERENCES attorneys (attorney_id),
  field VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  filed_on DATE NOT NULL,
  granted_on DATE,
  claims INTEGER NOT NULL,
  annual_fee DECIMAL(10, 2) -- EUR
);
CREATE TABLE inventors (
  inventor_id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  birth_year INTEGER,
  firm_id INTEGER REFERENCES firms (firm_id) -- empty when independent
);
CREATE TABLE patent_inventors (
  patent_id INTEGER NOT NULL REFERENCES patents (patent_id),
  inventor_id INTEGER NOT NULL REFERENCES inventors (inventor_id),
  share_pct DOUBLE NOT NULL,
  PRIMARY KEY (patent_id, inventor_id)
);
CREATE TABLE oppositions (
  opposition_id INTEGER PRIMARY KEY,
  patent_id INTEGER NOT NULL REFERENCES patents (patent_id),
  challenger_id INTEGER NOT NULL REFERENCES firms (firm_id),
  raised_on DATE NOT NULL,
  outcome VARCHAR, -- empty while undecided
  costs DECIMAL(10, 2) -- EUR
);
