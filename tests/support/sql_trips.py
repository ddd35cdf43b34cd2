"""A toy database of drivers and trips, on which queries run in DuckDB and SQLite.

run("SELECT name FROM drivers", "sqlite")        the result, as `Sql.same` compares it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from dstill.api.engine import Engine
from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.engines.embedded import Embedded
from dstill_sql.engines.sqlite import Sqlite, SqliteSettings
from dstill_sql.language.dialects import Dialect
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

__all__ = ["FULL", "ROWS", "SCHEMA", "Tables", "example", "executor", "run", "task"]

Tables = Mapping[str, Sequence[Sequence[Any]]]

SCHEMA = """
CREATE TABLE drivers (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, rating DOUBLE, active BOOLEAN, joined DATE
);
CREATE TABLE trips (
  id INTEGER PRIMARY KEY, driver_id INTEGER REFERENCES drivers (id), rider TEXT, fare DOUBLE, tip INTEGER,
  seats INTEGER, started TIMESTAMP
);
"""

# Two best drivers, one without a city and a rating, two without trips; trips without a driver or a tip.
ROWS: Tables = {
    "drivers": [
        [1, "Ann", "Oslo", 4.9, True, "2024-01-10"],
        [2, "Bob", "Bergen", 4.5, True, "2024-02-15"],
        [3, "Cid", "Oslo", 4.9, False, "2024-03-20"],
        [4, "Dee", None, None, True, "2024-04-25"],
        [5, "Eva", "Bergen", 4.1, False, None],
    ],
    "trips": [
        [1, 1, "Kim", 10.5, 1, 2, "2024-05-01 00:00:00"],
        [2, 1, "Kim", 10.5, None, 2, "2024-05-31 18:30:00"],
        [3, 2, "Lou", 7.25, 0, 1, "2024-05-31 00:00:00"],
        [4, 3, "Max", 20.0, 5, 4, "2024-06-01 00:00:00"],
        [5, 2, "Kim", 7.25, 2, 3, "2024-06-15 09:00:00"],
        [6, None, "Lou", 3.0, None, 1, "2024-04-30 23:59:59"],
    ],
}

# No NULL, no ties, no driver without a trip, as in much real data.
FULL: Tables = {
    "drivers": [
        [1, "Ann", "Oslo", 4.9, True, "2024-01-10"],
        [2, "Bob", "Bergen", 4.5, True, "2024-02-15"],
        [3, "Cid", "Oslo", 4.2, False, "2024-03-20"],
    ],
    "trips": [
        [1, 1, "Kim", 10.5, 1, 2, "2024-05-01 08:00:00"],
        [2, 2, "Lou", 7.25, 2, 4, "2024-05-15 18:30:00"],
        [3, 3, "Max", 20.0, 5, 3, "2024-06-02 12:00:00"],
        [4, 3, "Kim", 30.0, 3, 3, "2024-06-03 12:00:00"],
    ],
}


@cache
def task(dialect: Dialect) -> Sql:
    """The task, which has no database of its own."""
    return Sql(Settings(dialect=dialect))


@cache
def executor(dialect: Dialect) -> Embedded:
    """An open executor of the dialect."""
    engine: Embedded = DuckDb(DuckDbSettings()) if dialect == "duckdb" else Sqlite(SqliteSettings())
    return engine.open(task(dialect), Engine())


def example(query: str, rows: Tables | None = None, schema: str = SCHEMA) -> Example:
    """A question with `query` as its gold, about `rows`; None: about no rows."""
    context: dict[str, Any] = {"db": "toy", "schema": schema}
    if rows is not None:
        context["test_database"] = TestDatabase(name="toy", data={"schema": schema, "rows": rows})
    return Example(id="toy", question="?", context=context, answer=query)


def run(query: str, dialect: Dialect, rows: Tables = ROWS, schema: str = SCHEMA) -> dict[str, Any]:
    """The result of a query that is allowed and runs."""
    outcome = executor(dialect).run(query, example(query, rows, schema))
    assert outcome.kind is OutcomeKind.OK, (query, outcome.reason)
    assert isinstance(outcome.value, dict)
    return outcome.value
