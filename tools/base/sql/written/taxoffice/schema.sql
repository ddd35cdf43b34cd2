CREATE TABLE tb_office (
  off_id INTEGER PRIMARY KEY,
  off_town VARCHAR NOT NULL,
  off_state VARCHAR NOT NULL,
  off_staff INTEGER NOT NULL
);
CREATE TABLE tb_inspector (
  insp_id INTEGER PRIMARY KEY,
  insp_name VARCHAR NOT NULL,
  insp_grade VARCHAR NOT NULL,
  insp_off_id INTEGER NOT NULL REFERENCES tb_office (off_id),
  insp_parttime BOOLEAN NOT NULL
);
CREATE TABLE tb_taxpayer (
  tp_id INTEGER PRIMARY KEY,
  tp_name VARCHAR NOT NULL,
  tp_kind VARCHAR NOT NULL,
  tp_off_id INTEGER NOT NULL REFERENCES tb_office (off_id),
  tp_registered DATE NOT NULL,
  tp_abroad BOOLEAN NOT NULL, -- lives or sits in another country
  tp_vat_no VARCHAR
);
CREATE TABLE tb_return (
  ret_id INTEGER PRIMARY KEY,
  ret_tp_id INTEGER NOT NULL REFERENCES tb_taxpayer (tp_id),
  ret_year INTEGER NOT NULL,
  ret_form VARCHAR NOT NULL,
  ret_income DECIMAL(10,2) NOT NULL,
  ret_tax_due DECIMAL(10,2) NOT NULL, -- negative: refund
  ret_filed TIMESTAMP,
  ret_deadline DATE NOT NULL,
  ret_paper BOOLEAN NOT NULL -- not filed online
);
CREATE TABLE tb_audit (
  aud_id INTEGER PRIMARY KEY,
  aud_ret_id INTEGER NOT NULL REFERENCES tb_return (ret_id),
  aud_insp_id INTEGER REFERENCES tb_inspector (insp_id),
  aud_reason VARCHAR NOT NULL,
  aud_opened DATE NOT NULL,
  aud_closed DATE,
  aud_extra_tax DECIMAL(10,2),
  aud_hours DOUBLE NOT NULL
);
CREATE TABLE tb_payment (
  pay_id INTEGER PRIMARY KEY,
  pay_tp_id INTEGER NOT NULL REFERENCES tb_taxpayer (tp_id),
  pay_amt DECIMAL(10,2) NOT NULL,
  pay_dt DATE NOT NULL,
  pay_how VARCHAR NOT NULL
);
