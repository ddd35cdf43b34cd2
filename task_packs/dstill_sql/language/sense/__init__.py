"""The layer ``sense``: warnings about a query that is legal, and hardly meant.

    check(read("SELECT name FROM trips WHERE fare > fare", "duckdb"), None)
    → same_sides: 'fare' is compared with itself
    check(read("SELECT name FROM trips WHERE status = 'pring'", "duckdb"), database)
    → unknown_value: 'status' has no value 'pring'

Without a database, nothing is known of its values and keys. Not covered: averages over columns that are mostly NULL, as
known values do not count these.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlglot import exp

from dstill.api.records import Problem
from dstill.api.sense import MAX_PROBLEMS, beyond_values, other_form, together, twice, unknown_value, warning
from dstill.api.values import Known
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.name_resolution import Scopes
from dstill_sql.language.sense import comparisons, joined, keys
from dstill_sql.language.sense.comparisons import Comparison
from dstill_sql.language.statements import place

__all__ = ["check"]

_MOST_NODES = 2_000  # of a query that are looked at
_SIDES = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def check(query: exp.Query, database: Database | None) -> tuple[Problem, ...]:
    """Warnings about a query, at most `MAX_PROBLEMS`; none if it is nested too deeply to be compared."""
    try:
        return tuple(islice(_problems(query, database), MAX_PROBLEMS))
    except RecursionError:
        return ()


def _problems(query: exp.Query, database: Database | None) -> Iterator[Problem]:
    scopes = None if database is None else Scopes(query, database.schema)
    for node in islice(query.bfs(), _MOST_NODES):
        if isinstance(node, exp.Select):
            yield from _lists(node)
        elif isinstance(node, (exp.And, exp.Between)) and not isinstance(node.parent, exp.And):
            yield from _conjunction(node)
        elif isinstance(node, _SIDES) and isinstance(node.this, exp.Column) and node.this == node.expression:
            message = f"{node.this.name!r} is compared with itself"
            yield warning("same_sides", message, place(node), "one of them may be meant otherwise")
        if scopes is not None and database is not None:
            yield from _known(node, scopes, database)


def _lists(select: exp.Select) -> Iterator[Problem]:
    """What is shown or grouped by twice. Two names for one column are no accident."""
    group = select.args.get("group")
    shown, grouped = select.expressions, group.expressions if group else []
    yield from twice("shown_twice", shown, lambda node: f"{str(node)!r} is shown twice", place(select))
    yield from twice("grouped_twice", grouped, lambda node: f"{str(node)!r} groups twice", place(select))


def _conjunction(node: exp.Expr) -> Iterator[Problem]:
    """Parts of a conjunction that exclude or repeat each other."""
    parts = [part.unnest() for part in node.flatten()] if isinstance(node, exp.And) else [node]
    negated = {part.this.unnest() for part in parts if isinstance(part, exp.Not)}
    if both := next((part for part in parts if part in negated), None):
        message = f"{str(both)!r} cannot be true and false together"
        yield warning("excluded", message, place(node), "one of them may be meant otherwise")
    else:
        yield from together([comparison.condition for part in parts for comparison in comparisons.read(part)])


def _known(node: exp.Expr, scopes: Scopes, database: Database) -> Iterator[Problem]:
    """What the schema and the known values say about a part of a query."""
    if isinstance(node, exp.Select):
        yield from joined.check(node, scopes, database.schema)
    elif isinstance(node, (exp.Sum, exp.Avg, exp.EQ, exp.In)):
        yield from keys.check(node, scopes, database.schema)
    for comparison in () if isinstance(node, exp.Not) else comparisons.read(node):
        at = scopes.column(comparison.node)
        if at is not None and (known := database.values.get(at.name)) is not None:
            yield from _values(comparison, at.column.family, known)


def _values(comparison: Comparison, family: str, known: Known) -> Iterator[Problem]:
    condition, dates = comparison.condition, family in ("date", "timestamp")
    name, operator, pointer = condition.name, condition.operator, condition.pointer
    for value in condition.values:
        problems: list[Problem] = []
        if family == "text" and operator in ("=", "not"):
            problems += unknown_value(name, value, known, pointer)
        elif dates or family in ("integer", "number"):
            number = comparisons.day if dates else comparisons.number
            problems += beyond_values(name, operator, value, known, number, grows=dates, pointer=pointer)
        yield from problems or other_form(name, operator, value, known, pointer)
