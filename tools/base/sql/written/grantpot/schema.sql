CREATE TABLE donors (
  donor_id INTEGER PRIMARY KEY,
  donor_name VARCHAR NOT NULL,
  donor_type VARCHAR NOT NULL,
  country VARCHAR NOT NULL,
  wants_anonymity BOOLEAN NOT NULL
);
CREATE TABLE scholarships (
  sch_id INTEGER PRIMARY KEY,
  sch_name VARCHAR NOT NULL,
  donor_id INTEGER NOT NULL REFERENCES donors (donor_id),
  field VARCHAR NOT NULL,
  yearly_amt DECIMAL(10,2) NOT NULL, -- USD
  seats INTEGER NOT NULL, -- awards per year
  min_gpa DOUBLE, -- empty = no requirement
  deadline_dt DATE NOT NULL
);
CREATE TABLE applicants (
  app_id INTEGER PRIMARY KEY,
  app_name VARCHAR NOT NULL,
  gender VARCHAR NOT NULL,
  dob DATE NOT NULL,
  high_school VARCHAR NOT NULL,
  gpa DOUBLE NOT NULL,
  family_income INTEGER, -- USD a year
  first_gen BOOLEAN NOT NULL -- first of the family to attend college
);
CREATE TABLE applications (
  appl_id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL REFERENCES applicants (app_id),
  sch_id INTEGER NOT NULL REFERENCES scholarships (sch_id),
  sent_dt DATE NOT NULL,
  essay_score INTEGER, -- 0 to 100
  decision VARCHAR NOT NULL
);
CREATE TABLE payouts (
  pay_id INTEGER PRIMARY KEY,
  appl_id INTEGER NOT NULL REFERENCES applications (appl_id),
  paid_dt DATE NOT NULL,
  amt DECIMAL(10,2) NOT NULL, -- USD
  purpose VARCHAR NOT NULL,
  returned BOOLEAN NOT NULL
);
