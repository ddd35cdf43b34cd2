CREATE TABLE clients (
  client_id INTEGER PRIMARY KEY,
  client VARCHAR NOT NULL,
  sector VARCHAR NOT NULL,
  since_year INTEGER NOT NULL
);
CREATE TABLE consultants (
  cons_id INTEGER PRIMARY KEY,
  cons_name VARCHAR NOT NULL,
  rank VARCHAR NOT NULL,
  day_rate INTEGER NOT NULL, -- EUR
  weekly_hrs DOUBLE NOT NULL, -- by contract
  started DATE NOT NULL,
  mentor_id INTEGER REFERENCES consultants (cons_id)
);
CREATE TABLE projects (
  proj_id INTEGER PRIMARY KEY,
  proj_name VARCHAR NOT NULL,
  client_id INTEGER REFERENCES clients (client_id), -- empty for internal projects
  lead_id INTEGER NOT NULL REFERENCES consultants (cons_id),
  billing VARCHAR NOT NULL,
  budget_hrs INTEGER,
  kickoff DATE NOT NULL,
  deadline DATE,
  health VARCHAR NOT NULL
);
CREATE TABLE tasks (
  task_id INTEGER PRIMARY KEY,
  proj_id INTEGER NOT NULL REFERENCES projects (proj_id),
  task_name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  est_hrs DOUBLE,
  done BOOLEAN NOT NULL
);
CREATE TABLE time_entries (
  entry_id BIGINT PRIMARY KEY,
  cons_id INTEGER NOT NULL REFERENCES consultants (cons_id),
  task_id INTEGER NOT NULL REFERENCES tasks (task_id),
  work_date DATE NOT NULL,
  hrs DOUBLE NOT NULL,
  billable BOOLEAN NOT NULL,
  place VARCHAR NOT NULL,
  note VARCHAR
);
