"""The time that a query runs at: the `now` of its database instead of the engine's clock.

    frozen(read("SELECT name FROM trips WHERE day = CURRENT_DATE", "duckdb"), "2024-06-18T12:00:00", "duckdb")
    SELECT name FROM trips WHERE day = CAST('2024-06-18' AS DATE)

So "today" means the same day at every run, and results can be compared. Times are without a zone. PostgreSQL reads the
texts 'now', 'today', 'yesterday' and 'tomorrow' as times where it wants one (``day >= 'yesterday'``).
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types

from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.database.schema_check import names_of, qualified
from dstill_sql.language.dialects import Dialect

__all__ = ["frozen"]

_OF_SQLITE = ("date", "datetime", "time", "julianday", "unixepoch")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}  # which PostgreSQL reads as dates
_WORD = re.compile(r"\s*(?:(now)|(yesterday|today|tomorrow)(\s.*)?)\s*", re.IGNORECASE | re.DOTALL)
_TIME_CONTEXTS = (exp.Predicate, exp.Add, exp.Sub, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.If, exp.Case)
_WORD_KEY = "word"  # of what is noted at a literal


def frozen(query: exp.Query, now: str, dialect: Dialect, schema: SqlSchema | None = None) -> exp.Query:
    """The query with the time `now` (ISO) for every clock that it reads. The query itself if `now` is empty.

    `schema`: of its tables, if known, to tell the text 'yesterday' beside a date from one beside a text.
    """
    if not now:
        return query
    time = datetime.fromisoformat(now).replace(tzinfo=None, microsecond=0)
    query = query.copy()
    if dialect == "postgres" and schema is not None:
        for literal in _beside_times(query, schema):
            _stop_word(literal, time)
    stopped = query.transform(_stopped, time, dialect)
    assert isinstance(stopped, exp.Query)
    return stopped


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
        _stop_word(node.this, time)
    return node


def _beside_times(query: exp.Query, schema: SqlSchema) -> list[exp.Expr]:
    """The texts of a query of PostgreSQL that it reads as times, since what they are compared with is one."""
    words = [text for text in query.find_all(exp.Literal) if text.is_string and _WORD.fullmatch(text.name)]
    for place, word in enumerate(words):
        word.meta[_WORD_KEY] = place
    with contextlib.suppress(SqlglotError, RecursionError):
        typed = annotate_types(qualified(query, schema), schema=names_of(schema), dialect="postgres") if words else None
        literals = typed.find_all(exp.Literal) if typed is not None else ()
        return [words[text.meta[_WORD_KEY]] for text in literals if _WORD_KEY in text.meta and _is_beside_time(text)]
    return []


def _is_beside_time(node: exp.Expr) -> bool:
    parent = node.parent
    others = parent.iter_expressions() if isinstance(parent, _TIME_CONTEXTS) else ()
    return any(other is not node and other.is_type(*exp.DataType.TEMPORAL_TYPES) for other in others)


def _stop_word(literal: exp.Expr, time: datetime) -> None:
    """Put a time for 'now', or a day for 'yesterday' or 'yesterday 10:00'."""
    if (match := _WORD.fullmatch(literal.name)) is None:
        return
    now, day, rest = match.groups()
    moved = time if now else time.date() + timedelta(days=_DAYS[day.lower()])
    literal.set("this", f"{moved}{rest or ''}")


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
