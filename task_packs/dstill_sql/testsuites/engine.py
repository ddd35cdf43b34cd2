"""A small engine for candidates of test databases: SQLite or DuckDB in memory, with the tables of one gold.

    with SmallEngine(schema, schema.tables) as engine:
        engine.load({"drivers": [[1, "Ann"]]})
        engine.run(Prepared(query, engine.dialect))     the result; None: the query is refused, or takes too long

Keys and references are not declared, so tables can be filled and emptied in any order. PostgreSQL is not embedded:
DuckDB runs its queries, as sqlglot translates them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from operator import itemgetter
from typing import Any, Self

from sqlglot import exp

from dstill.api.protocols import NoTestDatabases
from dstill_sql.dialects import Dialect
from dstill_sql.engines.process import EngineError, Found, Made, Name, Pool, Stopped
from dstill_sql.engines.running import Prepared, TooManyRows
from dstill_sql.schema import Schema, Table, quoted

__all__ = ["SmallEngine", "embedded"]

_COUNTED = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}  # of PostgreSQL
_LONGEST = 50_000_000  # steps of SQLite's virtual machine for a query
_POOLS: dict[Name, Pool] = {
    "sqlite": Pool("sqlite", seconds=5.0, memory_mb=500),
    "duckdb": Pool("duckdb", seconds=5.0, memory_mb=500),
}
_NUMBERS = count()
_ERRORS = (EngineError, Stopped, MemoryError)  # of the engine


def embedded(dialect: Dialect) -> Name:
    """The dialect of the embedded engine that runs queries of a dialect."""
    return "sqlite" if dialect == "sqlite" else "duckdb"


class SmallEngine:
    """An open database in memory. Raises NoTestDatabases if it cannot hold the tables."""

    def __init__(self, schema: Schema, tables: Iterable[Table]) -> None:
        self.dialect = embedded(schema.dialect)
        self._tables, self._from = list(tables), schema.dialect
        self._key = f"small {next(_NUMBERS)}"
        self._filling: list[Mapping[str, Any]] = []  # steps that fill the tables
        self._is_filled = True
        statements = [
            self._created(table.name, [(column.name, column.type) for column in table.columns])
            for table in self._tables
        ]
        self._made = Made(statements=statements, steps=_LONGEST)
        with ExitStack() as stack:
            self._process = stack.enter_context(_POOLS[self.dialect].taken())
            try:
                self._process.make(self._key, self._made)
            except _ERRORS as error:
                raise NoTestDatabases(f"no embedded engine can hold the tables: {error}") from None
            self._stack = stack.pop_all()

    def load(self, cells: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """Replace all rows, before the next query; if values do not fit, the engine refuses that."""
        self._filling, self._is_filled = [], False
        for table in self._tables:
            name = quoted(table.name, "duckdb")
            self._filling.append({"do": "run", "text": f"DELETE FROM {name}"})
            self._filling.append({"do": "fill", "table": name, "rows": cells.get(table.name, ())})

    def run(self, query: Prepared) -> dict[str, Any] | None:
        """The result of a query."""
        try:
            return query.run(self._fetch)
        except TooManyRows:
            return None
        except _ERRORS:
            return None

    def marks(self, kind: str, values: Sequence[Any], conditions: Sequence[str]) -> list[tuple[Any, int]]:
        """Each value that the engine takes, with how many conditions on ``v`` it fulfils."""
        with contextlib.suppress(*_ERRORS):
            return self._marks(kind, values, conditions)
        found = []
        for value in values:  # some do not fit
            with contextlib.suppress(*_ERRORS):
                found += self._marks(kind, [value], conditions)
        return found

    def _marks(self, kind: str, values: Sequence[Any], conditions: Sequence[str]) -> list[tuple[Any, int]]:
        tests = ", ".join(f"CASE WHEN {one} THEN 1 ELSE 0 END" for one in conditions)
        _, rows = self._ask(
            [
                {"do": "run", "text": "DROP TABLE IF EXISTS tried_values"},
                {"do": "run", "text": self._created("tried_values", [("place", "INTEGER"), ("v", kind)])},
                {"do": "fill", "table": "tried_values", "rows": list(enumerate(values))},
                {"do": "fetch", "text": f"SELECT place, {tests} FROM tried_values", "most": len(values)},
            ]
        )
        return [(values[row[0]], sum(row[1:])) for row in sorted(rows, key=itemgetter(0))]

    @property
    def cpu(self) -> float:
        """Seconds that queries have taken of a processor."""
        return self._process.cpu

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.forget(self._key)
        self._stack.close()

    def _created(self, name: str, columns: Sequence[tuple[str, str]]) -> str:
        types = [
            _COUNTED.get(kind) or exp.DataType.build(kind, dialect=self._from).sql(self.dialect) for _, kind in columns
        ]
        names = [quoted(name, "duckdb") for name, _ in columns]
        parts = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
        return f"CREATE TABLE {quoted(name, 'duckdb')} ({parts})"

    def _fetch(self, text: str, most: int) -> Found:
        return self._ask([{"do": "fetch", "text": text, "most": most}])

    def _ask(self, steps: Iterable[Mapping[str, Any]]) -> Found:
        if not self._process.has(self._key):  # the last query ended the process
            self._process.make(self._key, self._made)
            self._is_filled = False
        filling, self._is_filled = [] if self._is_filled else self._filling, True
        return self._process.ask([{"key": self._key, **step} for step in (*filling, *steps)])
