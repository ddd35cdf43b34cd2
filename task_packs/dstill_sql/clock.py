"""The time that a query runs at: the `now` of its database instead of the engine's clock.

    frozen(read("SELECT name FROM trips WHERE day = CURRENT_DATE", "duckdb"), "2024-06-18T12:00:00", "duckdb")
    SELECT name FROM trips WHERE day = CAST('2024-06-18' AS DATE)

So "today" means the same day at every run, and results can be compared. Times are without a zone.
"""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from dstill_sql.dialects import Dialect

__all__ = ["frozen"]


def frozen(query: exp.Query, now: str, dialect: Dialect) -> exp.Query:
    """The query with the time `now` (ISO) for every clock that it reads. The query itself if `now` is empty."""
    if not now:
        return query
    time = datetime.fromisoformat(now).replace(tzinfo=None, microsecond=0)
    found = query.copy().transform(_stopped, time, dialect)
    assert isinstance(found, exp.Query)
    return found


def _stopped(node: exp.Expr, time: datetime, dialect: Dialect) -> exp.Expr:
    day, moment = time.date().isoformat(), time.isoformat(sep=" ")
    if isinstance(node, exp.CurrentDate):
        return _literal(day, "DATE", dialect)
    if isinstance(node, (exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtimestamp)) or _is_now(node):
        return _literal(moment, "TIMESTAMP", dialect)
    if dialect == "sqlite" and isinstance(node, exp.Literal) and node.is_string and node.name.lower() == "now":
        return exp.Literal.string(moment) if isinstance(node.parent, exp.Func) else node
    return node


def _is_now(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == "now"


def _literal(text: str, type_: str, dialect: Dialect) -> exp.Expr:
    literal = exp.Literal.string(text)
    return literal if dialect == "sqlite" else exp.cast(literal, type_)
