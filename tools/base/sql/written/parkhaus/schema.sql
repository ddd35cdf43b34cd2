create table garages (
  garage_code varchar primary key,
  street_address varchar not null,
  district varchar not null,
  levels integer not null,
  total_spots integer not null,
  max_height_cm integer not null,
  open_24h boolean not null
);
create table spots (
  spot_id integer primary key,
  garage_code varchar not null references garages (garage_code),
  level_no integer not null, -- negative is below ground
  spot_type varchar not null,
  out_of_service boolean not null
);
create table permit_holders (
  holder_id integer primary key,
  holder_name varchar not null,
  plate varchar not null,
  permit_type varchar not null,
  home_garage varchar references garages (garage_code),
  valid_until date
);
create table stays (
  stay_id bigint primary key,
  spot_id integer not null references spots (spot_id),
  holder_id integer references permit_holders (holder_id), -- empty for casual parkers
  plate varchar not null,
  entered_at timestamp not null,
  left_at timestamp,
  fee decimal(10,2), -- EUR
  paid_by varchar
);
create table fines (
  fine_id integer primary key,
  stay_id bigint not null references stays (stay_id),
  reason varchar not null,
  amount decimal(10,2) not null,
  issued_on date not null,
  settled_on date
);
