create table tbl_cust (
  cust_id integer primary key,
  cust_nm varchar not null,
  cust_tel varchar,
  cust_type varchar not null,
  disc_pct double not null, -- discount in percent
  dt_first date not null
);
create table tbl_shop (
  shop_id integer primary key,
  shop_nm varchar not null,
  rent_mth decimal(10,2), -- monthly rent, GBP
  has_drive_thru boolean not null
);
create table tbl_staff (
  staff_id integer primary key,
  staff_nm varchar not null,
  shop_id integer not null references tbl_shop (shop_id),
  job varchar not null,
  hrs_wk integer not null, -- hours per week
  dt_hired date not null
);
create table tbl_ticket (
  tkt_no integer primary key,
  cust_id integer not null references tbl_cust (cust_id),
  shop_id integer not null references tbl_shop (shop_id),
  taken_by integer not null references tbl_staff (staff_id),
  handed_out_by integer references tbl_staff (staff_id),
  dt_in timestamp not null,
  dt_promised date not null,
  dt_out timestamp,
  is_express boolean not null,
  amt_total decimal(10,2) not null, -- GBP
  amt_paid decimal(10,2) not null
);
create table tbl_item (
  item_id integer primary key,
  tkt_no integer not null references tbl_ticket (tkt_no),
  garment varchar not null,
  fabric varchar,
  colour varchar,
  treatment varchar not null,
  stain varchar,
  price decimal(10,2) not null
);
