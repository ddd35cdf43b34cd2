CREATE TABLE Joiners (
  JoinerId INTEGER PRIMARY KEY,
  FirstName VARCHAR NOT NULL,
  Role VARCHAR NOT NULL,
  MentorId INTEGER REFERENCES Joiners (JoinerId),
  HourlyRate DECIMAL(10,2) NOT NULL, -- EUR
  LeftOn DATE -- empty while employed
);
CREATE TABLE Clients (
  ClientId INTEGER PRIMARY KEY,
  ClientName VARCHAR NOT NULL,
  ClientType VARCHAR NOT NULL,
  Town VARCHAR NOT NULL,
  ReferredBy INTEGER REFERENCES Clients (ClientId)
);
CREATE TABLE Commissions (
  CommissionId INTEGER PRIMARY KEY,
  PieceName VARCHAR NOT NULL,
  PieceType VARCHAR NOT NULL,
  ClientId INTEGER NOT NULL REFERENCES Clients (ClientId),
  LeadJoinerId INTEGER REFERENCES Joiners (JoinerId),
  Finish VARCHAR,
  Quote DECIMAL(10,2) NOT NULL, -- EUR
  DepositPaid BOOLEAN NOT NULL,
  OrderedOn DATE NOT NULL,
  PromisedFor DATE,
  HandedOverOn DATE,
  Stage VARCHAR NOT NULL
);
CREATE TABLE Timbers (
  TimberId INTEGER PRIMARY KEY,
  Species VARCHAR NOT NULL,
  Grade VARCHAR NOT NULL,
  CubicMetres DOUBLE NOT NULL, -- in the yard
  PricePerCubicMetre DECIMAL(10,2) NOT NULL,
  Moisture DOUBLE, -- percent
  Certified BOOLEAN NOT NULL
);
CREATE TABLE TimberUse (
  CommissionId INTEGER NOT NULL REFERENCES Commissions (CommissionId),
  TimberId INTEGER NOT NULL REFERENCES Timbers (TimberId),
  Amount DOUBLE NOT NULL, -- cubic metres
  PRIMARY KEY (CommissionId, TimberId)
);
