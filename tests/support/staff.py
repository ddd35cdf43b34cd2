"""A small database on which engines could differ: NULLs everywhere, ties, texts in both cases, times at midnight."""

from __future__ import annotations

from typing import Any

__all__ = ["ROWS", "SCHEMA"]

SCHEMA = """
CREATE TABLE dept (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, city VARCHAR);
CREATE TABLE emp (
  id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, dept_id INTEGER REFERENCES dept (id), manager_id INTEGER,
  salary DECIMAL(10, 2), bonus INTEGER, rating DOUBLE, active BOOLEAN, note VARCHAR, hired DATE, seen TIMESTAMP
);
CREATE TABLE task (
  id INTEGER PRIMARY KEY, emp_id INTEGER NOT NULL REFERENCES emp (id), hours DOUBLE NOT NULL, done BOOLEAN NOT NULL
);
"""
ROWS: dict[str, list[list[Any]]] = {
    "dept": [[1, "Sales", "Oslo"], [2, "IT", "Bergen"], [3, "Legal", "Oslo"], [4, "Empty", None]],
    "emp": [
        [1, "Ann", 1, None, 5000.5, 100, 4.5, True, "10% more", "2020-02-29", "2024-03-31 00:00:00"],
        [2, "Bob", 1, 1, 3000, None, 3.25, True, "", "2021-03-01", "2024-03-31 13:45:10"],
        [3, "Cleo", 2, 1, 3000, 0, 2.5, False, None, "2021-12-31", "2024-03-01 00:00:00"],
        [4, "Dora", 2, 3, 2500.25, 50, None, None, "  wide  ", "2022-06-15", None],
        [5, "ann", 3, 1, None, None, 3.5, True, "it's", "2019-07-04", "2024-04-01 00:00:00"],
        [6, "Otto", None, 2, 4100, 250, -1.5, False, "10 more", "2023-01-01", "2024-02-29 23:59:59"],
        [7, "Moe", 1, 2, 1999.99, None, 0.5, False, None, None, "2023-12-31 06:30:00"],
    ],
    "task": [
        [1, 1, 2.5, True],
        [2, 1, 4, False],
        [3, 2, 1.25, True],
        [4, 4, 8, True],
        [5, 6, 0.75, False],
        [6, 6, 3, True],
    ],
}
