"""A small database of rides, for the tests of SQL: its statements and rows, and examples about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dstill.api.records import Example, TestDatabase

__all__ = ["ROWS", "SCHEMA", "inserted", "on_rows", "question"]

SCHEMA = """
CREATE TABLE cities (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, country VARCHAR(2));
CREATE TABLE drivers (
  id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, home INTEGER REFERENCES cities (id), score DECIMAL(3, 1),
  secret VARCHAR(40), born DATE
);
CREATE TABLE trips (
  driver_id INTEGER REFERENCES drivers (id), n INTEGER, started TIMESTAMP, km DOUBLE PRECISION, paid BOOLEAN,
  PRIMARY KEY (driver_id, n)
);
"""
ROWS: dict[str, list[list[Any]]] = {
    "cities": [[1, "Oslo", "NO"], [2, "Bergen", "NO"], [3, "Malmö", "SE"]],
    "drivers": [[n, f"driver {n}", 1 + n % 3, n / 2, f"secret {n}", f"1980-01-{n:02}"] for n in range(1, 10)],
    "trips": [
        [1 + n % 9, n, f"2024-01-{1 + n % 28:02} 0{n % 10}:30:00", n / 4, None if n % 7 == 0 else n % 3 == 0]
        for n in range(60)
    ],
}


def inserted(rows: dict[str, list[list[Any]]]) -> list[tuple[str, Sequence[Any]]]:
    """INSERT statements with ``?`` for values, and these."""
    return [
        (f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row) for table, of in rows.items() for row in of
    ]


def question(**context: Any) -> Example:
    """An example about the small database."""
    return Example(id="1", question="?", context={"db": "shop", **context})


def on_rows(schema: str = SCHEMA, rows: dict[str, list[list[Any]]] | None = None) -> Example:
    """An example whose answers run on rows, as on a test database."""
    data = {"schema": schema, "rows": ROWS if rows is None else rows}
    return question(schema=schema, test_database=TestDatabase(name="rows", data=data))
