CREATE TABLE bots (
  bot_id INTEGER PRIMARY KEY,
  bot_name VARCHAR NOT NULL,
  version VARCHAR NOT NULL,
  went_live DATE NOT NULL
);
CREATE TABLE users (
  user_id INTEGER PRIMARY KEY,
  display_name VARCHAR, -- empty for guests
  plan VARCHAR NOT NULL,
  joined DATE NOT NULL
);
CREATE TABLE human_agents (
  agent_id INTEGER PRIMARY KEY,
  agent_name VARCHAR NOT NULL,
  office VARCHAR NOT NULL,
  supervisor_id INTEGER REFERENCES human_agents (agent_id)
);
CREATE TABLE conversations (
  conv_id INTEGER PRIMARY KEY,
  bot_id INTEGER NOT NULL REFERENCES bots (bot_id),
  user_id INTEGER NOT NULL REFERENCES users (user_id),
  handed_to INTEGER REFERENCES human_agents (agent_id), -- empty when the bot did it alone
  started_at TIMESTAMP NOT NULL,
  lang VARCHAR NOT NULL,
  intent VARCHAR NOT NULL,
  resolved BOOLEAN NOT NULL,
  stars INTEGER -- 1 to 5
);
CREATE TABLE messages (
  msg_id BIGINT PRIMARY KEY,
  conv_id INTEGER NOT NULL REFERENCES conversations (conv_id),
  sender VARCHAR NOT NULL,
  body VARCHAR NOT NULL,
  sent_at TIMESTAMP NOT NULL,
  confidence DOUBLE, -- 0 to 1, bot messages only
  flagged BOOLEAN NOT NULL -- as rude
);
