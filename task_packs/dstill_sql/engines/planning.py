"""Whether the engine of a dialect can plan a query, in a database that has the tables of a schema and no rows.

    refusal(read("SELECT nme FROM drivers", "sqlite"), schema)       "no such column: nme"

The engine plans in a process of its own: planning has no limit of time that an engine would keep. Each thread that
checks has a process, so a query that hangs holds up no other.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from sqlglot import exp

from dstill_sql.engines.process import ENGINES, Crashed, EngineError, EngineProcess, InMemory, Name, Pool, Stopped
from dstill_sql.engines.steps import run
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.engine_text import NotPrintable, Statement, fixed
from dstill_sql.language.printing import created, printed, settled

__all__ = ["close", "refusal"]

SECONDS = 2.0  # to plan a query, which takes milliseconds
_MEMORY_MB = 500
_POOLS: dict[Name, Pool] = {
    "sqlite": Pool("sqlite", seconds=SECONDS, memory_mb=_MEMORY_MB),
    "duckdb": Pool("duckdb", seconds=SECONDS, memory_mb=_MEMORY_MB),
}
_PREPARED: dict[Name, list[Statement]] = {
    "sqlite": [],
    "duckdb": [fixed("PRAGMA disable_optimizer", "duckdb")],  # it computes constants
}


def refusal(query: exp.Query, schema: SqlSchema) -> str:
    """Why the query cannot be planned; empty: it can, or there is no such engine here."""
    if schema.dialect == "postgres":
        return ""
    try:
        statement = printed(settled(query, schema.dialect), schema.dialect)
        planner = _Planner.of(schema)
        with _POOLS[planner.engine].taken() as process:
            return planner.refusal(statement, process)
    except NotPrintable as error:
        return str(error)


def close() -> None:
    """End the processes; the next query starts one again. They end with the program as well."""
    for pool in _POOLS.values():
        pool.close()


class _Planner:
    """An empty database of one schema. If it cannot hold a table, it finds nothing wrong."""

    def __init__(self, schema: SqlSchema) -> None:
        assert schema.dialect != "postgres"
        self.engine: Name = schema.dialect
        self._is_usable, tables = True, []
        try:
            tables = [created(table, schema.dialect) for table in schema.tables]
        except NotPrintable:  # a type that only the user's database has
            self._is_usable = False
        self._made = InMemory(steps=[run(statement) for statement in (*_PREPARED[self.engine], *tables)])
        texts = "\0".join(statement.text for statement in tables)
        self._key = hashlib.sha256(texts.encode("utf-8", "replace")).hexdigest()

    @staticmethod
    @lru_cache(maxsize=64)
    def of(schema: SqlSchema) -> _Planner:
        return _Planner(schema)

    def refusal(self, query: Statement, process: EngineProcess) -> str:
        """Why the query cannot be planned."""
        name = ENGINES[self.engine]
        try:
            try:
                self._plan(query, process)
            except Crashed as error:
                if not error.of_file:
                    raise
                self._plan(query, process)  # somebody else ended it
        except Stopped:
            return f"{name} takes more than {SECONDS:g} s to plan the query"
        except MemoryError:
            return f"{name} needs more than {_MEMORY_MB} MB to plan the query"
        except EngineError as error:
            return str(error)
        return ""

    def _plan(self, query: Statement, process: EngineProcess) -> None:
        if self._is_usable and not process.has(self._key):
            try:
                process.make(self._key, self._made)
            except Crashed:
                raise
            except EngineError:
                self._is_usable = False
        if self._is_usable:
            process.plan(self._key, query)
