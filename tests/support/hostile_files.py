"""Database files whose views cost more time and memory than a query may take, in steps that no interrupt ends."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

__all__ = ["duckdb_file", "slow_steps", "sqlite_file"]


def slow_steps(body: str = "body") -> str:
    """One expression of SQLite that compares texts of 1 MB for minutes."""
    return " + ".join(f"INSTR(a.{body}, SUBSTR(b.{body}, {n}, 500000) || 'y')" for n in range(1, 13))


def sqlite_file(path: Path) -> Path:
    """A file with a view `drivers`, which compares long texts in WHERE."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, body TEXT)")
        connection.executemany("INSERT INTO texts VALUES (?, ?)", [(n, "x" * 1_000_000) for n in range(2)])
        connection.execute(
            "CREATE VIEW drivers AS SELECT a.id AS id, 'Oslo' AS city FROM texts AS a JOIN texts AS b ON a.id <> b.id"
            f" WHERE {slow_steps()} = 0"
        )
        connection.commit()
    return path


def duckdb_file(path: Path) -> Path:
    """A file with a column of 240 MB that is computed when it is read, and a view `drivers` without end."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE texts (id INTEGER, body VARCHAR GENERATED ALWAYS AS (REPEAT('x', 4000000 + id)) VIRTUAL)"
        )
        for n in range(60):  # one by one, as each is computed here, too
            connection.execute("INSERT INTO texts (id) VALUES (?)", [n])
        connection.execute(
            "CREATE VIEW drivers AS SELECT SUM(a.range) AS id, 'Oslo' AS city FROM range(1000000000000) AS a"
        )
    return path
