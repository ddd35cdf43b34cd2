CREATE TABLE recruiters (
  id INTEGER PRIMARY KEY,
  full_name VARCHAR NOT NULL,
  office VARCHAR NOT NULL,
  joined_on DATE NOT NULL,
  lead_id INTEGER REFERENCES recruiters (id) -- boss
);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  team VARCHAR NOT NULL,
  city VARCHAR NOT NULL,
  contract VARCHAR NOT NULL,
  remote BOOLEAN NOT NULL,
  salary_min INTEGER, -- EUR per year
  salary_max INTEGER, -- EUR per year
  posted_on DATE NOT NULL,
  closed_on DATE, -- empty while open
  recruiter_id INTEGER REFERENCES recruiters (id)
);
CREATE TABLE applicants (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  email VARCHAR NOT NULL,
  phone VARCHAR,
  degree VARCHAR,
  years_experience INTEGER NOT NULL,
  source VARCHAR NOT NULL,
  needs_visa BOOLEAN NOT NULL
);
CREATE TABLE applications (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES jobs (id),
  applicant_id INTEGER NOT NULL REFERENCES applicants (id),
  applied_at TIMESTAMP NOT NULL,
  stage VARCHAR NOT NULL,
  score INTEGER, -- 0 to 100
  expected_pay INTEGER -- EUR per year
);
CREATE TABLE interviews (
  id INTEGER PRIMARY KEY,
  application_id INTEGER NOT NULL REFERENCES applications (id),
  held_at TIMESTAMP NOT NULL,
  kind VARCHAR NOT NULL,
  minutes INTEGER NOT NULL,
  verdict VARCHAR -- empty until written
);
