"""A small engine for candidates of test databases: SQLite or DuckDB in memory, with the tables of one gold.

    with SmallEngine(schema, schema.tables) as engine:
        engine.load({"drivers": [[1, "Ann"]]})
        engine.run(Prepared(query, engine.dialect))     the result; None: the query is refused, or takes too long

Keys and references are not declared, so tables can be filled and emptied in any order. PostgreSQL is not embedded:
DuckDB runs its queries, as sqlglot translates them.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Self

from sqlglot import exp

from dstill.api.protocols import NoTestDatabases
from dstill.errors import needs
from dstill_sql.dialects import Dialect
from dstill_sql.engines.running import Prepared, TooManyRows
from dstill_sql.schema import Schema, Table, quoted

__all__ = ["SmallEngine", "embedded"]

_COUNTED = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}  # of PostgreSQL
_LONGEST = 50_000_000  # steps of SQLite's virtual machine for a query


def embedded(dialect: Dialect) -> Dialect:
    """The dialect of the embedded engine that runs queries of a dialect."""
    return "sqlite" if dialect == "sqlite" else "duckdb"


class SmallEngine:
    """An open database in memory. Raises NoTestDatabases if it cannot hold the tables."""

    def __init__(self, schema: Schema, tables: Iterable[Table]) -> None:
        self.dialect = embedded(schema.dialect)
        self._tables, self._from = list(tables), schema.dialect
        self._connection = self._sqlite() if self.dialect == "sqlite" else self._duckdb()
        try:
            for table in self._tables:
                self._create(table.name, [(column.name, column.type) for column in table.columns])
        except self.errors as error:
            self._connection.close()
            raise NoTestDatabases(f"no embedded engine can hold the tables: {str(error).splitlines()[0]}") from None

    def load(self, cells: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """Replace all rows. Raises what the engine raises for values that do not fit."""
        for table in self._tables:
            self._connection.execute(f"DELETE FROM {quoted(table.name, 'duckdb')}")
            if rows := cells.get(table.name):
                self._insert(table.name, rows)

    def run(self, query: Prepared) -> dict[str, Any] | None:
        """The result of a query."""
        try:
            return query.run(self._fetch)
        except (TooManyRows, MemoryError):
            return None
        except self.errors:
            return None

    def marks(self, kind: str, values: Sequence[Any], conditions: Sequence[str]) -> list[tuple[Any, int]]:
        """Each value that the engine takes, with how many conditions on ``v`` it fulfils."""
        with contextlib.suppress(*self.errors):
            return self._marks(kind, values, conditions)
        found = []
        for value in values:  # some do not fit
            with contextlib.suppress(*self.errors):
                found += self._marks(kind, [value], conditions)
        return found

    def _marks(self, kind: str, values: Sequence[Any], conditions: Sequence[str]) -> list[tuple[Any, int]]:
        self._connection.execute("DROP TABLE IF EXISTS tried_values")
        self._create("tried_values", [("place", "INTEGER"), ("v", kind)])
        self._insert("tried_values", [[place, value] for place, value in enumerate(values)])
        tests = ", ".join(f"CASE WHEN {one} THEN 1 ELSE 0 END" for one in conditions)
        _, rows = self._fetch(f"SELECT place, {tests} FROM tried_values", len(values))
        return [(values[row[0]], sum(row[1:])) for row in sorted(rows, key=itemgetter(0))]

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the engine raises."""
        errors = (sqlite3.Error, OverflowError)
        return errors if self.dialect == "sqlite" else (*errors, _library().Error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    # --- by engine ------------------------------------------------------------------------

    def _sqlite(self) -> Any:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.set_progress_handler(lambda: 1, _LONGEST)
        return connection

    def _duckdb(self) -> Any:
        config = {"threads": 1, "enable_external_access": False, "memory_limit": "500MB"}
        return _library().connect(":memory:", config=config)

    def _create(self, name: str, columns: Sequence[tuple[str, str]]) -> None:
        types = [
            _COUNTED.get(kind) or exp.DataType.build(kind, dialect=self._from).sql(self.dialect) for _, kind in columns
        ]
        names = [quoted(name, "duckdb") for name, _ in columns]
        parts = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
        self._connection.execute(f"CREATE TABLE {quoted(name, 'duckdb')} ({parts})")

    def _insert(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        text, width = f"INSERT INTO {quoted(name, 'duckdb')}", len(rows[0])
        if self.dialect == "sqlite":
            self._connection.executemany(f"{text} VALUES ({', '.join('?' * width)})", rows)
            return
        columns = ", ".join(f"unnest(${place})" for place in range(1, width + 1))
        self._connection.execute(f"{text} SELECT {columns}", [list(column) for column in zip(*rows, strict=True)])

    def _fetch(self, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        found = self._connection.execute(text)
        return [column[0] for column in found.description], found.fetchmany(most)


def _library() -> Any:
    with needs("test databases", "sql"):
        import duckdb
    return duckdb
