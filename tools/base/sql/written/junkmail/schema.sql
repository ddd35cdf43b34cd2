CREATE TABLE MailDomain (
  DomainKey INTEGER PRIMARY KEY,
  DomainName VARCHAR NOT NULL,
  Registrar VARCHAR,
  FirstSpotted DATE NOT NULL,
  Blocked BOOLEAN NOT NULL
);
CREATE TABLE Reporter (
  ReporterKey INTEGER PRIMARY KEY,
  Alias VARCHAR NOT NULL,
  Kind VARCHAR NOT NULL,
  Reliability DOUBLE NOT NULL -- 0 to 1
);
CREATE TABLE Analyst (
  AnalystKey INTEGER PRIMARY KEY,
  AnalystName VARCHAR NOT NULL,
  Shift VARCHAR NOT NULL,
  OnLeave BOOLEAN NOT NULL
);
CREATE TABLE SpamReport (
  ReportKey INTEGER PRIMARY KEY,
  DomainKey INTEGER NOT NULL REFERENCES MailDomain (DomainKey),
  ReporterKey INTEGER NOT NULL REFERENCES Reporter (ReporterKey),
  AnalystKey INTEGER REFERENCES Analyst (AnalystKey), -- empty until someone takes it
  SubjectLine VARCHAR NOT NULL,
  SpamType VARCHAR NOT NULL,
  Severity INTEGER NOT NULL, -- 1 harmless to 10
  ReceivedAt TIMESTAMP NOT NULL,
  ClosedAt TIMESTAMP,
  FalseAlarm BOOLEAN NOT NULL
);
CREATE TABLE Attachment (
  AttachmentKey INTEGER PRIMARY KEY,
  ReportKey INTEGER NOT NULL REFERENCES SpamReport (ReportKey),
  FileName VARCHAR NOT NULL,
  SizeKB INTEGER NOT NULL,
  Infected BOOLEAN NOT NULL
);
