CREATE TABLE applicants (
  applicant_id INTEGER PRIMARY KEY,
  applicant_name VARCHAR NOT NULL,
  applicant_type VARCHAR NOT NULL,
  hometown VARCHAR,
  repeat_client BOOLEAN NOT NULL
);
CREATE TABLE architects (
  arch_id INTEGER PRIMARY KEY,
  studio VARCHAR NOT NULL,
  licence_no VARCHAR NOT NULL,
  licence_expires DATE,
  award_count INTEGER NOT NULL
);
CREATE TABLE reviewers (
  rev_id INTEGER PRIMARY KEY,
  rev_name VARCHAR NOT NULL,
  team VARCHAR NOT NULL,
  part_time BOOLEAN NOT NULL,
  lead_id INTEGER REFERENCES reviewers (rev_id)
);
CREATE TABLE permits (
  permit_no VARCHAR PRIMARY KEY,
  project_name VARCHAR NOT NULL,
  applicant_id INTEGER NOT NULL REFERENCES applicants (applicant_id),
  arch_id INTEGER REFERENCES architects (arch_id), -- small jobs need none
  rev_id INTEGER REFERENCES reviewers (rev_id),
  work_type VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  applied_at TIMESTAMP NOT NULL,
  issued_dt DATE,
  expires_dt DATE,
  status VARCHAR NOT NULL,
  est_cost DECIMAL(10, 2) NOT NULL, -- USD
  floors INTEGER,
  dwelling_units INTEGER,
  fee_paid BOOLEAN NOT NULL
);
CREATE TABLE inspections (
  insp_id INTEGER PRIMARY KEY,
  permit_no VARCHAR NOT NULL REFERENCES permits (permit_no),
  rev_id INTEGER REFERENCES reviewers (rev_id),
  insp_dt DATE NOT NULL,
  stage VARCHAR NOT NULL,
  passed BOOLEAN, -- empty until it took place
  defects INTEGER
);
CREATE TABLE objections (
  obj_id INTEGER PRIMARY KEY,
  permit_no VARCHAR NOT NULL REFERENCES permits (permit_no),
  neighbour VARCHAR NOT NULL,
  reason VARCHAR NOT NULL,
  filed_dt DATE NOT NULL,
  upheld BOOLEAN
);
