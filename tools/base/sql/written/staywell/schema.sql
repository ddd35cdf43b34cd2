CREATE TABLE Property (
  PropertyCode VARCHAR PRIMARY KEY,
  PropertyName VARCHAR NOT NULL,
  City VARCHAR NOT NULL,
  Stars INTEGER NOT NULL,
  OpenedYear INTEGER NOT NULL,
  Spa BOOLEAN NOT NULL,
  Pool BOOLEAN NOT NULL,
  ManagerId INTEGER
);
CREATE TABLE Employee (
  EmployeeId INTEGER PRIMARY KEY,
  EmployeeName VARCHAR NOT NULL,
  Department VARCHAR NOT NULL,
  PropertyCode VARCHAR NOT NULL REFERENCES Property (PropertyCode),
  Salary DECIMAL(10,2) NOT NULL, -- EUR per month
  StartDate DATE NOT NULL,
  ReportsTo INTEGER REFERENCES Employee (EmployeeId)
);
CREATE TABLE Room (
  RoomId INTEGER PRIMARY KEY,
  PropertyCode VARCHAR NOT NULL REFERENCES Property (PropertyCode),
  RoomNo VARCHAR NOT NULL,
  Category VARCHAR NOT NULL,
  Floor INTEGER NOT NULL,
  Beds INTEGER NOT NULL,
  SeaView BOOLEAN NOT NULL,
  Rate DECIMAL(10,2) NOT NULL, -- EUR per night
  CleanState VARCHAR NOT NULL
);
CREATE TABLE Guest (
  GuestId INTEGER PRIMARY KEY,
  GuestName VARCHAR NOT NULL,
  Country VARCHAR NOT NULL,
  LoyaltyTier VARCHAR, -- empty if not in the loyalty club
  Birthday DATE
);
CREATE TABLE Booking (
  BookingId INTEGER PRIMARY KEY,
  RoomId INTEGER NOT NULL REFERENCES Room (RoomId),
  GuestId INTEGER NOT NULL REFERENCES Guest (GuestId),
  BookedOn DATE NOT NULL,
  CheckIn DATE NOT NULL,
  CheckOut DATE NOT NULL,
  Adults INTEGER NOT NULL,
  Children INTEGER NOT NULL,
  Channel VARCHAR NOT NULL,
  Total DECIMAL(10,2) NOT NULL, -- EUR
  State VARCHAR NOT NULL
);
CREATE TABLE Review (
  ReviewId INTEGER PRIMARY KEY,
  BookingId INTEGER NOT NULL REFERENCES Booking (BookingId),
  Score INTEGER NOT NULL, -- 1 to 10
  Remark VARCHAR,
  WrittenAt TIMESTAMP NOT NULL
);
