"""The layer ``schema``: whether the tables and columns of a query are there, and its types fit.

    list(check(read("SELECT nme FROM drivers", "duckdb"), schema))
    [Problem(code="unknown_column", message="no table of the query has a column 'nme'. Did you mean 'name'?", …)]

sqlglot resolves the names. An empty database with the schema, in the engine of the dialect, then plans the query: it
finds wrong types, misplaced aggregates and the like as the engine itself would. PostgreSQL cannot be embedded, so its
queries are planned by the server alone.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from dstill.api.records import Problem
from dstill.errors import did_you_mean, needs
from dstill_sql.schema import Schema, walk_columns
from dstill_sql.statements import first_line, place

__all__ = ["check", "names_of", "qualified"]

_UNRESOLVED = re.compile(r"(?:Unknown column:|Column) '?\"?([^'\".:]+)\"?'?")


def check(query: exp.Query, schema: Schema) -> Iterator[Problem]:
    """What does not fit the schema."""
    try:
        qualified(query, schema)
    except SqlglotError as error:
        yield _unresolved(first_line(error), query, schema)
        return
    except RecursionError:
        yield _problem("too_deep", "the query is nested too deeply")
        return
    if said := _planned(query.sql(schema.dialect, comments=False), schema):
        yield _problem("not_planned", said)


def qualified(query: exp.Query, schema: Schema, *, stars: bool = True) -> exp.Query:
    """A copy of the query in which every column names its table, with folded names. Raises SqlglotError.

    `stars`: all columns are named where the query has a star.
    """
    copy = query.copy()
    for name in copy.find_all(exp.Identifier):
        name.set("this", name.name.casefold())  # a schema is looked up without regard to case, also in quotes
    orders = [(one, one.args["order"]) for one in copy.find_all(exp.SetOperation) if _is_by_places(one)]
    for one, _ in orders:
        one.set("order", None)  # sqlglot does not find the places of columns that are queries
    found = qualify(
        copy,
        schema=names_of(schema),
        dialect=schema.dialect,
        expand_stars=stars,
        quote_identifiers=False,
        validate_qualify_columns=True,
    )
    assert isinstance(found, exp.Query)
    for one, order in orders:
        one.set("order", order)
    return found


def _is_by_places(query: exp.SetOperation) -> bool:
    order = query.args.get("order")
    return order is not None and all(isinstance(term.this, exp.Literal) for term in order.expressions)


@lru_cache(maxsize=64)
def names_of(schema: Schema) -> MappingSchema:
    """The schema as sqlglot looks names up in it."""
    tables: dict[str, object] = {name: dict(columns) for name, columns in schema.types.items()}
    return MappingSchema(tables, dialect=schema.dialect, normalize=False)  # names are folded, and no text to parse


def _unresolved(said: str, query: exp.Query, schema: Schema) -> Problem:
    found = _UNRESOLVED.search(said)
    if found is None:
        return _problem("unresolved", said[:1].lower() + said[1:])
    name = found[1].strip()
    at = next((place(one) for one in query.find_all(exp.Column) if one.name.casefold() == name.casefold()), "")
    read = {table.name.casefold() for table in query.find_all(exp.Table)}
    having = [table.name for table, column in walk_columns(schema) if column.name.casefold() == name.casefold()]
    if len([table for table in having if table.casefold() in read]) > 1:
        return _problem("ambiguous_column", f"several tables have a column '{name}'", "write TABLE.COLUMN", at)
    if having:
        return _problem(
            "unknown_column", f"no table of the query has a column '{name}'", f"{having[0]} has one: join it", at
        )
    near = did_you_mean(name, sorted({column.name for _, column in walk_columns(schema)}))
    return _problem("unknown_column", f"no table of the query has a column '{name}'.{near}", pointer=at)


# --- planning ---------------------------------------------------------------------------


def _planned(text: str, schema: Schema) -> str:
    """Why the engine of the dialect cannot plan the query; empty: it can, or there is no such engine here."""
    if schema.dialect == "sqlite":
        return _Sqlite.of(schema).refusal(text)
    if schema.dialect == "duckdb":
        return _DuckDb.of(schema).refusal(text)
    return ""


class _Planner:
    """An empty database of one schema. Several threads may use it. If it lacks a table, it finds nothing wrong."""

    def __init__(self, schema: Schema) -> None:
        self._lock = threading.Lock()
        self._connection = self._open()
        self._is_usable = all(
            not self._said(Schema(tables=(table,), dialect=schema.dialect).ddl()) for table in schema.tables
        )

    def refusal(self, text: str) -> str:
        """Why the query cannot be planned."""
        with self._lock:
            return self._said(f"{self.planned} {text}") if self._is_usable else ""

    def _said(self, statement: str) -> str:
        try:
            self._connection.execute(statement)
        except Exception as error:  # also what only the binder of an engine raises
            return _engine_said(error)
        return ""

    planned: ClassVar[str]  # plans a query, and does not run it

    def _open(self) -> Any:
        raise NotImplementedError


class _Sqlite(_Planner):
    planned = "EXPLAIN"

    @staticmethod
    @lru_cache(maxsize=36)
    def of(schema: Schema) -> _Sqlite:
        return _Sqlite(schema)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(":memory:", check_same_thread=False)


class _DuckDb(_Planner):
    planned = "PREPARE planned AS"  # EXPLAIN would draw the plan, which may be long

    @staticmethod
    @lru_cache(maxsize=36)  # 4 MB each
    def of(schema: Schema) -> _DuckDb:
        return _DuckDb(schema)

    def _open(self) -> Any:
        with needs("checking SQL", "sql"):
            import duckdb
        limits: dict[str, Any] = {
            "memory_limit": "500MB",
            "max_temp_directory_size": "0MB",
            "python_enable_replacements": False,
        }
        connection = duckdb.connect(":memory:", config={**limits, "threads": 1, "enable_external_access": False})
        connection.execute("PRAGMA disable_optimizer")  # which computes constants
        return connection


def _engine_said(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _problem(code: str, message: str, hint: str = "", pointer: str = "") -> Problem:
    return Problem(layer="schema", code=code, message=message, pointer=pointer, hint=hint)
