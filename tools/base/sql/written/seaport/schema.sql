CREATE TABLE "Berth" (
  "BerthID" INTEGER PRIMARY KEY,
  "BerthName" VARCHAR NOT NULL,
  "Terminal" VARCHAR NOT NULL,
  "DepthM" DOUBLE NOT NULL, -- metres
  "LengthM" INTEGER NOT NULL, -- metres
  "ShorePower" BOOLEAN NOT NULL
);
CREATE TABLE "Vessel" (
  "VesselID" INTEGER PRIMARY KEY,
  "VesselName" VARCHAR NOT NULL,
  "Flag" VARCHAR NOT NULL,
  "VesselType" VARCHAR NOT NULL,
  "GrossTonnage" INTEGER NOT NULL,
  "Draught" DOUBLE NOT NULL, -- metres
  "YearBuilt" INTEGER NOT NULL,
  "AgentID" INTEGER
);
CREATE TABLE "Agent" (
  "AgentID" INTEGER PRIMARY KEY,
  "Company" VARCHAR NOT NULL,
  "City" VARCHAR NOT NULL,
  "Email" VARCHAR
);
CREATE TABLE "Pilot" (
  "PilotID" INTEGER PRIMARY KEY,
  "PilotName" VARCHAR NOT NULL,
  "Rank" VARCHAR NOT NULL,
  "HiredOn" DATE NOT NULL,
  "OnLeave" BOOLEAN NOT NULL
);
CREATE TABLE "PortCall" (
  "CallID" INTEGER PRIMARY KEY,
  "VesselID" INTEGER NOT NULL REFERENCES "Vessel" ("VesselID"),
  "BerthID" INTEGER REFERENCES "Berth" ("BerthID"),
  "AgentID" INTEGER NOT NULL REFERENCES "Agent" ("AgentID"),
  "PilotInID" INTEGER REFERENCES "Pilot" ("PilotID"),
  "PilotOutID" INTEGER REFERENCES "Pilot" ("PilotID"),
  "ArrivedAt" TIMESTAMP NOT NULL,
  "SailedAt" TIMESTAMP, -- empty while in port
  "PortDues" DECIMAL(10,2) NOT NULL -- EUR
);
CREATE TABLE "CargoOp" (
  "OpID" INTEGER PRIMARY KEY,
  "CallID" INTEGER NOT NULL REFERENCES "PortCall" ("CallID"),
  "Cargo" VARCHAR NOT NULL,
  "Direction" VARCHAR NOT NULL,
  "Tonnes" DOUBLE NOT NULL,
  "Teu" INTEGER -- containers only
);
