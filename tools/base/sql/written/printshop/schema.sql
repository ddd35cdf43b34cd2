CREATE TABLE clients (
  clientid INTEGER PRIMARY KEY,
  companyname VARCHAR NOT NULL,
  contactperson VARCHAR,
  sector VARCHAR NOT NULL,
  zipcode VARCHAR,
  paymentdays INTEGER NOT NULL, -- days until an invoice is due
  salesrepid INTEGER
);
CREATE TABLE papers (
  paperid INTEGER PRIMARY KEY,
  papername VARCHAR NOT NULL,
  finish VARCHAR NOT NULL,
  gsm INTEGER NOT NULL, -- grams per square metre
  recycled BOOLEAN NOT NULL,
  sheetsinstock INTEGER NOT NULL,
  sheetprice DECIMAL(10,4) NOT NULL -- CAD
);
CREATE TABLE presses (
  pressid INTEGER PRIMARY KEY,
  pressname VARCHAR NOT NULL,
  technology VARCHAR NOT NULL,
  sheetsperhour INTEGER NOT NULL,
  purchasedon DATE,
  lastservice DATE,
  outoforder BOOLEAN NOT NULL
);
CREATE TABLE jobs (
  jobid INTEGER PRIMARY KEY,
  jobtitle VARCHAR NOT NULL,
  clientid INTEGER NOT NULL REFERENCES clients (clientid),
  paperid INTEGER NOT NULL REFERENCES papers (paperid),
  pressid INTEGER REFERENCES presses (pressid), -- empty until planned
  producttype VARCHAR NOT NULL,
  copies INTEGER NOT NULL,
  colours INTEGER NOT NULL,
  orderdate DATE NOT NULL,
  deadline DATE,
  status VARCHAR NOT NULL
);
CREATE TABLE invoices (
  invoiceno INTEGER PRIMARY KEY,
  jobid INTEGER NOT NULL REFERENCES jobs (jobid),
  issuedon DATE NOT NULL,
  amount DECIMAL(10,2) NOT NULL, -- CAD
  paidon DATE,
  reminders INTEGER NOT NULL
);
