CREATE TABLE Sponsors (
  SponsorID INTEGER PRIMARY KEY,
  SponsorName VARCHAR NOT NULL,
  Industry VARCHAR NOT NULL
);
CREATE TABLE Surveys (
  SurveyID INTEGER PRIMARY KEY,
  SponsorID INTEGER REFERENCES Sponsors (SponsorID), -- empty for our own studies
  Title VARCHAR NOT NULL,
  Channel VARCHAR NOT NULL,
  OpenedOn DATE NOT NULL,
  ClosesOn DATE,
  Anonymous BOOLEAN NOT NULL,
  RewardUSD DECIMAL(10,2) NOT NULL,
  TargetN INTEGER NOT NULL -- people wanted
);
CREATE TABLE Questions (
  QuestionID INTEGER PRIMARY KEY,
  SurveyID INTEGER NOT NULL REFERENCES Surveys (SurveyID),
  Position INTEGER NOT NULL,
  Wording VARCHAR NOT NULL,
  AnswerType VARCHAR NOT NULL,
  Required BOOLEAN NOT NULL
);
CREATE TABLE Panelists (
  PanelistID INTEGER PRIMARY KEY,
  Nickname VARCHAR NOT NULL,
  BirthYear INTEGER,
  Gender VARCHAR,
  Region VARCHAR NOT NULL,
  Household INTEGER, -- people living together
  SignedUp DATE NOT NULL,
  Blacklisted BOOLEAN NOT NULL
);
CREATE TABLE Responses (
  ResponseID BIGINT PRIMARY KEY,
  SurveyID INTEGER NOT NULL REFERENCES Surveys (SurveyID),
  PanelistID INTEGER REFERENCES Panelists (PanelistID), -- empty if anonymous
  StartedAt TIMESTAMP NOT NULL,
  FinishedAt TIMESTAMP, -- empty if given up
  Device VARCHAR NOT NULL,
  Rewarded BOOLEAN NOT NULL
);
CREATE TABLE Answers (
  AnswerID BIGINT PRIMARY KEY,
  ResponseID BIGINT NOT NULL REFERENCES Responses (ResponseID),
  QuestionID INTEGER NOT NULL REFERENCES Questions (QuestionID),
  Score INTEGER, -- for scales, 0 to 10
  FreeText VARCHAR, -- for open questions
  Seconds INTEGER -- thinking time
);
