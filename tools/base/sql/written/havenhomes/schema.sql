CREATE TABLE "Agents" (
  agent_id INTEGER PRIMARY KEY,
  agent_full_name VARCHAR NOT NULL,
  branch_office VARCHAR NOT NULL,
  languages VARCHAR,
  commission_rate DOUBLE NOT NULL, -- percent
  started_on DATE NOT NULL,
  supervisor_id INTEGER REFERENCES "Agents" (agent_id)
);
CREATE TABLE "Clients" (
  client_id INTEGER PRIMARY KEY,
  client_full_name VARCHAR NOT NULL,
  client_role VARCHAR NOT NULL,
  max_budget INTEGER, -- EUR
  pre_approved BOOLEAN NOT NULL,
  moving_from VARCHAR
);
CREATE TABLE "Listings" (
  listing_id INTEGER PRIMARY KEY,
  street_address VARCHAR NOT NULL,
  neighbourhood VARCHAR NOT NULL,
  property_type VARCHAR NOT NULL,
  asking_price INTEGER NOT NULL, -- EUR
  living_area DOUBLE NOT NULL, -- square metres
  bedroom_count INTEGER NOT NULL,
  year_built INTEGER,
  has_garden BOOLEAN NOT NULL,
  energy_class VARCHAR,
  listing_status VARCHAR NOT NULL,
  listed_on DATE NOT NULL,
  seller_id INTEGER NOT NULL REFERENCES "Clients" (client_id),
  listing_agent_id INTEGER REFERENCES "Agents" (agent_id)
);
CREATE TABLE "Viewings" (
  viewing_id INTEGER PRIMARY KEY,
  listing_id INTEGER NOT NULL REFERENCES "Listings" (listing_id),
  visitor_id INTEGER NOT NULL REFERENCES "Clients" (client_id),
  guide_id INTEGER NOT NULL REFERENCES "Agents" (agent_id),
  viewing_time TIMESTAMP NOT NULL,
  interest_level INTEGER -- 1 to 5, empty until feedback arrives
);
CREATE TABLE "Offers" (
  offer_id INTEGER PRIMARY KEY,
  listing_id INTEGER NOT NULL REFERENCES "Listings" (listing_id),
  bidder_id INTEGER NOT NULL REFERENCES "Clients" (client_id),
  offer_amount INTEGER NOT NULL,
  offered_on DATE NOT NULL,
  offer_outcome VARCHAR NOT NULL,
  subject_to_financing BOOLEAN NOT NULL
);
