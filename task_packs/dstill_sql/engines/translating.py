"""Queries in the dialect of another engine: what each engine does by default is written out.

    translated(read("SELECT a / b FROM t ORDER BY a", "duckdb"), "duckdb", "postgres", schema).sql("postgres")
    SELECT CAST(a AS DOUBLE PRECISION) / NULLIF(b, 0) FROM t ORDER BY a

sqlglot translates; it knows where NULLs are sorted, and when division is that of integers. `dstill_sql.engines.forms`
adds forms for parts that an engine lacks, or means otherwise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types

from dstill_sql.engines.forms import for_postgres, for_sqlite
from dstill_sql.language.bounded_text import text_of
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.database.schema_check import names_of, qualified
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import read

__all__ = ["Untranslatable", "translated"]


class Untranslatable(Exception):
    """The query has no form in the other dialect. The message says why."""


_FORMS: Mapping[Dialect, Callable[[exp.Expr], exp.Expr]] = {"sqlite": for_sqlite, "postgres": for_postgres}


def translated(query: exp.Query, source: Dialect, target: Dialect, schema: SqlSchema | None) -> exp.Query:
    """The query in another dialect. Raises Untranslatable.

    `schema`: its tables, from which the types of expressions follow, if known.
    """
    if source == target:
        return query
    typed: exp.Expr = query.copy()
    if schema is not None:
        with contextlib.suppress(SqlglotError, RecursionError):
            typed = annotate_types(qualified(query, schema), schema=names_of(schema), dialect=source)
    form = _FORMS.get(target)
    try:
        text = text_of(form(typed) if form else typed, target)
        return read(text, target)
    except Exception as error:  # what sqlglot does not foresee raises anything
        lines = str(error).splitlines() or [type(error).__name__]
        raise Untranslatable(f"the query cannot be translated to {target}: {lines[0]}") from None
