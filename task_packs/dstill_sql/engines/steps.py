"""The requests to the process of an engine, as messages: the only place where the text of a `Statement` goes in.

    fetch(printed(query, "duckdb"), 100)     {"do": "fetch", "text": "SELECT …", "most": 100, "values": [], …}

For SQLite, a query brings the tables and columns that it reads: its authorizer allows no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstill_sql.language.engine_text import Statement

__all__ = ["Step", "fetch", "fill", "plan", "run", "serialized"]

Step = Mapping[str, Any]


def run(statement: Statement) -> Step:
    """Run a statement without a result."""
    return {"do": "run", "text": statement.text}


def fill(insert: Statement, rows: Sequence[Sequence[Any]]) -> Step:
    """Add rows to a table, by a statement of `dstill_sql.language.printing.filled`."""
    return {"do": "fill", "text": insert.text, "rows": rows}


def fetch(query: Statement, most: int, values: Sequence[Any] = ()) -> Step:
    """The columns of a query, and its first `most` rows."""
    return {"do": "fetch", "text": query.text, "most": most, "values": values, "reads": _reads(query)}


def plan(query: Statement) -> Step:
    """Plan a query, and do not run it."""
    return {"do": "plan", "text": query.text, "reads": _reads(query)}


def serialized(query: Statement) -> Step:
    """The tree that DuckDB's parser reads in a query, which does not run."""
    return {"do": "fetch", "text": "SELECT json_serialize_sql($1)", "most": 1, "values": [query.text], "reads": None}


def _reads(query: Statement) -> dict[str, list[str]] | None:
    """The names that SQLite may read for a query; None: a query of dstill's own, or another engine."""
    if query.tree is None or query.dialect != "sqlite":
        return None
    from dstill_sql.engines.parsers.reading import named

    return named(query.tree)
