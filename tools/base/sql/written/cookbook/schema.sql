CREATE TABLE author (
  id INTEGER PRIMARY KEY,
  penName VARCHAR NOT NULL,
  country VARCHAR,
  professional BOOLEAN NOT NULL,
  signedUp DATE NOT NULL
);
CREATE TABLE recipe (
  id INTEGER PRIMARY KEY,
  title VARCHAR NOT NULL,
  authorId INTEGER NOT NULL REFERENCES author (id),
  course VARCHAR NOT NULL,
  servings INTEGER NOT NULL,
  prepMin INTEGER NOT NULL, -- minutes at the worktop
  cookMin INTEGER NOT NULL, -- minutes on the heat, 0 if raw
  level VARCHAR NOT NULL,
  kcal INTEGER, -- per serving
  published TIMESTAMP, -- empty while a draft
  basedOn INTEGER REFERENCES recipe (id)
);
CREATE TABLE ingredient (
  id INTEGER PRIMARY KEY,
  name VARCHAR NOT NULL,
  aisle VARCHAR NOT NULL,
  allergen VARCHAR,
  animal BOOLEAN NOT NULL,
  pricePerKg DECIMAL(10,2)
);
CREATE TABLE recipeIngredient (
  recipeId INTEGER NOT NULL REFERENCES recipe (id),
  ingredientId INTEGER NOT NULL REFERENCES ingredient (id),
  grams DOUBLE,
  optional BOOLEAN NOT NULL,
  PRIMARY KEY (recipeId, ingredientId)
);
CREATE TABLE review (
  id INTEGER PRIMARY KEY,
  recipeId INTEGER NOT NULL REFERENCES recipe (id),
  reviewer VARCHAR NOT NULL,
  stars INTEGER NOT NULL, -- 1 to 5
  comment VARCHAR,
  writtenAt TIMESTAMP NOT NULL
);
