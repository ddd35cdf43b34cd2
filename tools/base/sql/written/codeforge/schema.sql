CREATE TABLE developers (
  login VARCHAR PRIMARY KEY,
  display_name VARCHAR NOT NULL,
  timezone VARCHAR NOT NULL,
  is_bot BOOLEAN NOT NULL,
  registered DATE NOT NULL
);
CREATE TABLE repos (
  repo_id INTEGER PRIMARY KEY,
  slug VARCHAR NOT NULL,
  owner_login VARCHAR NOT NULL REFERENCES developers (login),
  main_lang VARCHAR,
  license VARCHAR,
  stars INTEGER NOT NULL,
  is_private BOOLEAN NOT NULL,
  forked_from INTEGER REFERENCES repos (repo_id),
  created_on DATE NOT NULL
);
CREATE TABLE commits (
  sha VARCHAR PRIMARY KEY,
  repo_id INTEGER NOT NULL REFERENCES repos (repo_id),
  author_login VARCHAR NOT NULL REFERENCES developers (login),
  message VARCHAR NOT NULL,
  lines_added INTEGER NOT NULL,
  lines_removed INTEGER NOT NULL,
  pushed_at TIMESTAMP NOT NULL
);
CREATE TABLE merge_requests (
  mr_no INTEGER PRIMARY KEY,
  repo_id INTEGER NOT NULL REFERENCES repos (repo_id),
  title VARCHAR NOT NULL,
  author_login VARCHAR NOT NULL REFERENCES developers (login),
  reviewer_login VARCHAR REFERENCES developers (login),
  state VARCHAR NOT NULL,
  is_draft BOOLEAN NOT NULL,
  opened_at TIMESTAMP NOT NULL,
  merged_at TIMESTAMP
);
CREATE TABLE stars_given (
  login VARCHAR NOT NULL REFERENCES developers (login),
  repo_id INTEGER NOT NULL REFERENCES repos (repo_id),
  starred_on DATE NOT NULL,
  PRIMARY KEY (login, repo_id)
);
