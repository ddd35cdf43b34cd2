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
from sqlglot.errors import SqlglotError

from dstill.api.protocols import NoTestDatabases
from dstill_sql.engines.process import EngineError, Fetched, InMemory, Name, Pool, Stopped
from dstill_sql.engines.running import Prepared, TooManyRows
from dstill_sql.engines.steps import Step, fetch, fill, run
from dstill_sql.language.database.schema import Column, SqlSchema, Table
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable, Statement, fixed
from dstill_sql.language.printing import created, emptied, filled, printed
from dstill_sql.language.statements import parsed

__all__ = ["SmallEngine", "embedded"]

_SERIAL_TYPES = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}  # of PostgreSQL
_LONGEST = 50_000_000  # steps of SQLite's virtual machine for a query
_POOLS: dict[Name, Pool] = {
    "sqlite": Pool("sqlite", seconds=5.0, memory_mb=500),
    "duckdb": Pool("duckdb", seconds=5.0, memory_mb=500),
}
_DROP = "DROP TABLE IF EXISTS tried_values"
_NUMBERS = count()
_ERRORS = (EngineError, Stopped, MemoryError, NotPrintable)  # of the engine, or of its parser


def embedded(dialect: Dialect) -> Name:
    """The dialect of the embedded engine that runs queries of a dialect."""
    return "sqlite" if dialect == "sqlite" else "duckdb"


class SmallEngine:
    """An open database in memory. Raises NoTestDatabases if it cannot hold the tables."""

    def __init__(self, schema: SqlSchema, tables: Iterable[Table]) -> None:
        self.dialect = embedded(schema.dialect)
        self._from, tables = schema.dialect, list(tables)
        self._key = f"small {next(_NUMBERS)}"
        self._filling: list[Step] = []  # steps that fill the tables
        self._is_filled = True
        try:
            self._emptied = [
                (table.name, emptied(table, self.dialect), filled(table, self.dialect)) for table in tables
            ]
            self._made = InMemory(
                steps=[run(created(self._bare(table), self.dialect)) for table in tables], ticks=_LONGEST
            )
        except (NotPrintable, SqlglotError) as error:
            raise NoTestDatabases(f"no embedded engine can hold the tables: {error}") from None
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
        for name, empty, insert in self._emptied:
            self._filling += [run(empty), fill(insert, cells.get(name, ()))]

    def run(self, query: Prepared) -> dict[str, Any] | None:
        """The result of a query."""
        try:
            return query.run(self._fetch)
        except (TooManyRows, *_ERRORS):
            return None

    def marks(self, kind: str, values: Sequence[Any], conditions: Sequence[str]) -> list[tuple[Any, int]]:
        """Each value that the engine takes, with how many conditions on ``v`` it fulfils."""
        with contextlib.suppress(*_ERRORS):
            return self._marks(kind, values, conditions)
        marks = []
        for value in values:  # some do not fit
            with contextlib.suppress(*_ERRORS):
                marks += self._marks(kind, [value], conditions)
        return marks

    def _marks(self, kind: str, values: Sequence[Any], conditions: Sequence[str]) -> list[tuple[Any, int]]:
        tests = ", ".join(f"CASE WHEN {condition} THEN 1 ELSE 0 END" for condition in conditions)
        query = printed(parsed(f"SELECT place, {tests} FROM tried_values", self.dialect), self.dialect)
        place = Column(name="place", type="INTEGER", family="integer")
        value = Column(name="v", type=self._type(kind), family="other")
        table = Table(name="tried_values", columns=(place, value))
        create, insert = created(table, self.dialect), filled(table, self.dialect)
        self._ask([run(fixed(_DROP, self.dialect)), run(create), fill(insert, list(enumerate(values)))])
        _, rows = self._fetch(query, len(values))
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

    def _bare(self, table: Table) -> Table:
        """The table without keys, with the types of the engine."""
        columns = [
            Column(name=column.name, type=self._type(column.type), family=column.family) for column in table.columns
        ]
        return Table(name=table.name, columns=tuple(columns))

    def _type(self, kind: str) -> str:
        return _SERIAL_TYPES.get(kind) or exp.DataType.build(kind, dialect=self._from).sql(self.dialect)

    def _fetch(self, query: Statement, most: int) -> Fetched:
        if not self._process.has(self._key) or not self._is_filled:
            self._ask([])
        self._process.confirm(self._key, query)
        return self._ask([fetch(query, most)])

    def _ask(self, steps: Iterable[Step]) -> Fetched:
        if not self._process.has(self._key):  # the last query ended the process
            self._process.make(self._key, self._made)
            self._is_filled = False
        filling, self._is_filled = [] if self._is_filled else self._filling, True
        return self._process.ask([{"key": self._key, **step} for step in (*filling, *steps)])
