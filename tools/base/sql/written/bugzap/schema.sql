CREATE TABLE people (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  team VARCHAR NOT NULL,
  office VARCHAR,
  manager_id INTEGER REFERENCES people (id),
  joined DATE NOT NULL
);
CREATE TABLE projects (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  language VARCHAR NOT NULL,
  lead_id INTEGER REFERENCES people (id),
  archived BOOLEAN NOT NULL
);
CREATE TABLE bugs (
  id INTEGER PRIMARY KEY,
  summary VARCHAR NOT NULL,
  severity VARCHAR NOT NULL,
  status VARCHAR NOT NULL,
  project_id INTEGER NOT NULL REFERENCES projects (id),
  reporter_id INTEGER NOT NULL REFERENCES people (id),
  assignee_id INTEGER REFERENCES people (id), -- empty while nobody has picked it up
  opened_at TIMESTAMP NOT NULL,
  closed_at TIMESTAMP,
  est_hours DOUBLE -- estimated effort
);
CREATE TABLE remarks (
  id INTEGER PRIMARY KEY,
  bug_id INTEGER NOT NULL REFERENCES bugs (id),
  author_id INTEGER NOT NULL REFERENCES people (id),
  body VARCHAR NOT NULL,
  written_at TIMESTAMP NOT NULL,
  internal BOOLEAN NOT NULL -- not visible to customers
);
