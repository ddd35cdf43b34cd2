"""The layer ``schema``: whether the tables and columns of a query are there, and its types fit.

    list(check(read("SELECT nme FROM drivers", "duckdb"), schema))
    [Problem(code="unknown_column", message="no table of the query has a column 'nme'. Did you mean 'name'?", …)]

sqlglot resolves the names. An empty database with the schema, in the engine of the dialect, then plans the query: it
finds wrong types, misplaced aggregates and the like as the engine itself would. PostgreSQL cannot be embedded, so its
queries are planned by the server alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from dstill.api.records import Problem
from dstill.errors import did_you_mean
from dstill_sql.engines.planning import refusal
from dstill_sql.language.database.schema import SqlSchema, walk_columns
from dstill_sql.language.statements import first_line, place

__all__ = ["check", "names_of", "qualified"]

_UNRESOLVED = re.compile(r"(?:Unknown column:|Column) '?\"?([^'\".:]+)\"?'?")


def check(query: exp.Query, schema: SqlSchema) -> Iterator[Problem]:
    """Problems of a query that does not fit the schema."""
    try:
        qualified(query, schema)
    except SqlglotError as error:
        yield _unresolved(first_line(error), query, schema)
        return
    except RecursionError:
        yield _problem("too_deep", "the query is nested too deeply")
        return
    if reason := refusal(query, schema):
        yield _problem("not_planned", reason)


def qualified(query: exp.Query, schema: SqlSchema, *, stars: bool = True) -> exp.Query:
    """A copy of the query in which every column names its table, with folded names. Raises SqlglotError.

    `stars`: all columns are named where the query has a star.
    """
    copy = query.copy()
    for name in copy.find_all(exp.Identifier):
        name.set("this", name.name.casefold())  # a schema is looked up without regard to case, also in quotes
    orders = [(node, node.args["order"]) for node in copy.find_all(exp.SetOperation) if _is_by_places(node)]
    for node, _ in orders:
        node.set("order", None)  # sqlglot does not find the places of columns that are queries
    resolved = qualify(
        copy,
        schema=names_of(schema),
        dialect=schema.dialect,
        expand_stars=stars,
        quote_identifiers=False,
        validate_qualify_columns=True,
    )
    assert isinstance(resolved, exp.Query)
    for node, order in orders:
        node.set("order", order)
    return resolved


def _is_by_places(query: exp.SetOperation) -> bool:
    order = query.args.get("order")
    return order is not None and all(isinstance(term.this, exp.Literal) for term in order.expressions)


@lru_cache(maxsize=64)
def names_of(schema: SqlSchema) -> MappingSchema:
    """The schema as sqlglot looks names up in it."""
    tables: dict[str, object] = {name: dict(columns) for name, columns in schema.types.items()}
    return MappingSchema(tables, dialect=schema.dialect, normalize=False)  # names are folded, and no text to parse


def _unresolved(text: str, query: exp.Query, schema: SqlSchema) -> Problem:
    match = _UNRESOLVED.search(text)
    if match is None:
        return _problem("unresolved", text[:1].lower() + text[1:])
    name = match[1].strip()
    at = next((place(column) for column in query.find_all(exp.Column) if column.name.casefold() == name.casefold()), "")
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


def _problem(code: str, message: str, hint: str = "", pointer: str = "") -> Problem:
    return Problem(layer="schema", code=code, message=message, pointer=pointer, hint=hint)
