CREATE TABLE donors (
  donor_id INTEGER PRIMARY KEY,
  donor_name VARCHAR NOT NULL,
  donor_type VARCHAR NOT NULL,
  district VARCHAR NOT NULL,
  first_gift DATE,
  anonymous BOOLEAN NOT NULL
);
CREATE TABLE households (
  household_id INTEGER PRIMARY KEY,
  family_name VARCHAR NOT NULL,
  adults INTEGER NOT NULL,
  children INTEGER NOT NULL,
  district VARCHAR NOT NULL,
  registered_on DATE NOT NULL,
  diet VARCHAR, -- empty when there is no restriction
  referred_by VARCHAR
);
CREATE TABLE volunteers (
  volunteer_id INTEGER PRIMARY KEY,
  volunteer_name VARCHAR NOT NULL,
  task VARCHAR NOT NULL,
  has_licence BOOLEAN NOT NULL,
  hours_total INTEGER NOT NULL
);
CREATE TABLE donations (
  donation_id INTEGER PRIMARY KEY,
  donor_id INTEGER NOT NULL REFERENCES donors (donor_id),
  received_on DATE NOT NULL,
  food_group VARCHAR NOT NULL,
  weight_kg DOUBLE NOT NULL,
  best_before DATE
);
CREATE TABLE parcels (
  parcel_id INTEGER PRIMARY KEY,
  household_id INTEGER NOT NULL REFERENCES households (household_id),
  packed_by INTEGER NOT NULL REFERENCES volunteers (volunteer_id),
  delivered_by INTEGER REFERENCES volunteers (volunteer_id), -- empty when fetched
  handed_out DATE NOT NULL,
  weight_kg DOUBLE NOT NULL,
  emergency BOOLEAN NOT NULL
);
