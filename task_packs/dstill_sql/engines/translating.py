"""Queries in the dialect of another engine: what each engine does by default is written out.

    translated(read("SELECT a / b FROM t ORDER BY a", "duckdb"), "duckdb", "postgres", schema).sql("postgres")
    SELECT CAST(a AS DOUBLE PRECISION) / NULLIF(b, 0) FROM t ORDER BY a

sqlglot translates; it knows where NULLs are sorted, and when division is that of integers.
"""

from __future__ import annotations

import contextlib

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types

from dstill_sql.names import names_of, qualified
from dstill_sql.schema import Dialect, Schema

__all__ = ["translated"]


def translated(query: exp.Query, source: Dialect, target: Dialect, schema: Schema | None) -> exp.Query:
    """The query in another dialect. `schema`: its tables, from which the types of expressions follow, if known."""
    if source == target:
        return query
    typed: exp.Expr = query.copy()
    if schema is not None:
        with contextlib.suppress(SqlglotError, RecursionError):
            typed = annotate_types(qualified(query, schema), schema=names_of(schema), dialect=source)
    again = parse_one(typed.sql(target, comments=False), read=target)
    assert isinstance(again, exp.Query)
    return again
