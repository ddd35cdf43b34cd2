"""The time that a query runs at: the `now` of its database instead of the engine's clock.

    frozen(read("SELECT name FROM trips WHERE day = CURRENT_DATE", "duckdb"), "2024-06-18T12:00:00", "duckdb")
    SELECT name FROM trips WHERE day = CAST('2024-06-18' AS DATE)

So "today" means the same day at every run, and results can be compared. Times are without a zone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlglot import exp

from dstill_sql.dialects import Dialect

__all__ = ["frozen"]

_OF_SQLITE = ("date", "datetime", "time", "julianday", "unixepoch")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}  # which PostgreSQL reads as dates


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
    if isinstance(node, (exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtimestamp)) or _calls(node, "now"):
        return _literal(moment, "TIMESTAMP", dialect)
    if dialect == "sqlite":
        _stop_of_sqlite(node, moment)
    elif _calls(node, "age") and len(node.expressions) == 1:  # until today
        node.set("expressions", [_literal(day, "TIMESTAMP", dialect), *node.expressions])
    elif dialect == "postgres" and isinstance(node, (exp.Cast, exp.Date)) and _is_text(node.this):
        word = node.this.name.strip().lower()
        if word in _DAYS:
            node.this.set("this", (time.date() + timedelta(days=_DAYS[word])).isoformat())
        elif word == "now":
            node.this.set("this", moment)
    return node


def _stop_of_sqlite(node: exp.Expr, moment: str) -> None:
    """Give the time to a function of SQLite that is asked for ``'now'``, or for nothing, which means the same."""
    if isinstance(node, exp.Date) and node.this is None:
        node.set("this", exp.Literal.string(moment))
    elif _calls(node, *_OF_SQLITE) and not node.expressions:
        node.set("expressions", [exp.Literal.string(moment)])
    elif _is_text(node) and node.name.lower() == "now" and node.parent is not None:
        takes_time = isinstance(node.parent, (exp.Date, exp.Cast, exp.TsOrDsToTimestamp))
        if takes_time or _calls(node.parent, *_OF_SQLITE, "strftime"):
            node.set("this", moment)


def _calls(node: exp.Expr, *names: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() in names


def _is_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _literal(text: str, type_: str, dialect: Dialect) -> exp.Expr:
    literal = exp.Literal.string(text)
    return literal if dialect == "sqlite" else exp.cast(literal, type_)
