"""Three databases to ask about, and the questions of sql_questions.txt in each dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dstill.api.records import Example
from dstill_sql.form.functions import FUNCTIONS
from dstill_sql.language.dialects import DIALECTS, Dialect

__all__ = ["SCHEMAS", "VALUES", "Asked", "asked", "example", "filled"]

TAXI = """
CREATE TABLE vehicles (
  id INT PRIMARY KEY, plate VARCHAR NOT NULL UNIQUE, brand VARCHAR, built INT, is_electric BOOLEAN);
CREATE TABLE zones (id INT PRIMARY KEY, name VARCHAR, borough VARCHAR);
CREATE TABLE drivers (
  id INT PRIMARY KEY, name VARCHAR NOT NULL, phone VARCHAR, city VARCHAR, rating DOUBLE PRECISION, hired_on DATE,
  vehicle_id INT REFERENCES vehicles (id));
CREATE TABLE trips (
  id INT PRIMARY KEY, driver_id INT REFERENCES drivers (id), pickup_zone_id INT REFERENCES zones (id),
  dropoff_zone_id INT REFERENCES zones (id), started_at TIMESTAMP, ended_at TIMESTAMP, distance_km DOUBLE PRECISION,
  fare DECIMAL(8, 2), tip DECIMAL(8, 2), payment VARCHAR);
"""
CLINIC = """
CREATE TABLE departments (id INT PRIMARY KEY, name VARCHAR, floor INT);
CREATE TABLE doctors (
  id INT PRIMARY KEY, name VARCHAR, salary DECIMAL(10, 2), hired_on DATE, department_id INT REFERENCES departments (id),
  supervisor_id INT REFERENCES doctors (id));
CREATE TABLE patients (id INT PRIMARY KEY, first_name VARCHAR, last_name VARCHAR, sex VARCHAR, city VARCHAR, born DATE);
CREATE TABLE visits (
  id INT PRIMARY KEY, patient_id INT REFERENCES patients (id), doctor_id INT REFERENCES doctors (id), visited_on DATE,
  cost DECIMAL(8, 2), note TEXT);
CREATE TABLE medicines (id INT PRIMARY KEY, name VARCHAR, price DECIMAL(8, 2), over_the_counter BOOLEAN);
CREATE TABLE prescriptions (
  visit_id INT REFERENCES visits (id), medicine_id INT REFERENCES medicines (id), dose VARCHAR, quantity INT,
  PRIMARY KEY (visit_id, medicine_id));
"""
SHOP = """
CREATE TABLE customers (
  id INT PRIMARY KEY, name VARCHAR, email VARCHAR, country VARCHAR, joined_on DATE, newsletter BOOLEAN);
CREATE TABLE categories (id INT PRIMARY KEY, name VARCHAR, parent_id INT REFERENCES categories (id));
CREATE TABLE products (
  id INT PRIMARY KEY, name VARCHAR, category_id INT REFERENCES categories (id), price DECIMAL(8, 2), cost DECIMAL(8, 2),
  weight_g INT, stock INT);
CREATE TABLE orders (
  id INT PRIMARY KEY, customer_id INT REFERENCES customers (id), placed_at TIMESTAMP, shipped_at TIMESTAMP,
  status VARCHAR);
CREATE TABLE order_items (
  order_id INT REFERENCES orders (id), product_id INT REFERENCES products (id), quantity INT, unit_price DECIMAL(8, 2),
  discount DOUBLE PRECISION, PRIMARY KEY (order_id, product_id));
CREATE TABLE reviews (
  id INT PRIMARY KEY, product_id INT REFERENCES products (id), customer_id INT REFERENCES customers (id), stars INT,
  body TEXT, written_on DATE);
"""
SCHEMAS = {"taxi": TAXI, "clinic": CLINIC, "shop": SHOP}
VALUES = {
    "taxi": {
        "drivers.city": ["Oslo", "Bergen", "Trondheim"],
        "trips.payment": ["cash", "card", "app"],
        "zones.name": ["Harbour", "Airport", "Old Town"],
        "vehicles.brand": ["Tesla", "Volvo", "Ford"],
    },
    "clinic": {
        "departments.name": ["Cardiology", "Dermatology", "Surgery"],
        "patients.sex": ["f", "m"],
        "doctors.name": {"examples": ["Dr. Haugen", "Dr. Lie", "Dr. Moe"]},
    },
    "shop": {
        "orders.status": ["open", "shipped", "delivered", "cancelled", "in_transit"],
        "customers.country": ["Germany", "France", "Norway"],
        "categories.name": ["Toys", "Garden", "Music"],
        "products.name": {"examples": ["Kite", "Drum"]},
    },
}
_CALL = re.compile(r"\{([^{}|]+)((?:\|[^{}|]*)*)\}")


@dataclass(frozen=True)
class Asked:
    """One question with its query."""

    database: str
    question: str
    query: str


def example(database: str, question: str) -> Example:
    """A question about a database."""
    context = {"db": database, "schema": SCHEMAS[database], "values": VALUES[database]}
    return Example(id=question, question=question, context=context)


@cache
def asked(dialect: Dialect) -> list[Asked]:
    """The questions that can be answered in a dialect."""
    return [one for one in _asked(dialect) if one.query]


def _asked(dialect: Dialect) -> Iterator[Asked]:
    database = question = ""
    for line in Path(__file__).with_name("sql_questions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            database = line[3:]
        elif line.startswith("    "):
            text = line.strip()
            if text[:2] in {f"{one[0]}:" for one in DIALECTS}:
                text = text[3:] if text[0] == dialect[0] else ""
            yield Asked(database, question, filled(text, dialect))
        elif line and not line.startswith("#"):
            question = line


def filled(text: str, dialect: Dialect) -> str:
    """The query with its functions; empty if the dialect lacks one."""
    while (call := _CALL.search(text)) is not None:
        written = FUNCTIONS[call[1]].text(dialect)
        if written is None:
            return ""
        arguments = call[2].split("|")[1:]
        if "{n}" in written:
            written = written.replace("{n}", arguments.pop())
        for place, argument in enumerate(arguments):
            written = written.replace(f"{{{place}}}", argument)
        text = text[: call.start()] + written + text[call.end() :]
    return text
