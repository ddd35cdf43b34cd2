"""Dates in conditions: days, months and years, and spans relative to now.

    span(draw, subject, field, value)     ("in May 2024", [d >= '2024-05-01', d < '2024-06-01'])

A day of a column with times, a month and a year are a first day and the day after the last. Spans that are relative to
now are expressions of the clock, so that they mean the same at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.draw import Draw, Skip
from dstill_sql.questions.entities import Field

__all__ = ["SPANS", "Span", "clock", "month_of", "part_of"]

Span = tuple[str, list[exp.Expr]]  # its words, and conditions
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

# Moments of the clock, with a number of units to go back.
_CLOCK: Mapping[str, Mapping[str, str]] = {
    "today": {"": "CURRENT_DATE", "sqlite": "DATE('now')"},
    "day": {"": "CURRENT_DATE - INTERVAL '{n}' DAY", "sqlite": "DATE('now', '-{n} days')"},
    "next": {"": "CURRENT_DATE + INTERVAL '{n}' DAY", "sqlite": "DATE('now', '+{n} days')"},
    "week": {
        "": "DATE_TRUNC('week', CURRENT_DATE) - INTERVAL '{n}' WEEK",
        "sqlite": "DATE('now', 'weekday 0', '-6 days', '-{d} days')",
    },
    "month": {
        "": "DATE_TRUNC('month', CURRENT_DATE) - INTERVAL '{n}' MONTH",
        "sqlite": "DATE('now', 'start of month', '-{n} months')",
    },
    "year": {
        "": "DATE_TRUNC('year', CURRENT_DATE) - INTERVAL '{n}' YEAR",
        "sqlite": "DATE('now', 'start of year', '-{n} years')",
    },
}


@lru_cache(maxsize=512)
def _parsed(text: str, dialect: Dialect) -> exp.Expr:
    return sqlglot.parse_one(text, read=dialect)


def clock(unit: str, n: int, dialect: Dialect) -> exp.Expr:
    """The start of the day, week, month or year that was `n` of them ago."""
    phrases = _CLOCK["today" if n == 0 and unit == "day" else unit]
    text = phrases.get(dialect, phrases[""]).format(n=n, d=7 * n)
    if n == 0 and unit != "day":
        text = (
            text.split(" - INTERVAL")[0]
            .replace(", '-0 days'", "")
            .replace(", '-0 months'", "")
            .replace(", '-0 years'", "")
        )
    return _parsed(text, dialect).copy()


def part_of(column: exp.Expr, unit: str, dialect: Dialect) -> exp.Expr:
    """The year, month or weekday (0 is Sunday) of a date, as a number."""
    if dialect == "sqlite":
        form = {"YEAR": "%Y", "MONTH": "%m", "DOW": "%w"}[unit]
        pattern = _parsed(f"CAST(STRFTIME('{form}', x) AS INTEGER)", dialect).copy()
    else:
        pattern = _parsed(f"EXTRACT({unit} FROM x)", dialect).copy()
    return _with(pattern, column)


def month_of(column: exp.Expr, dialect: Dialect) -> exp.Expr:
    """The month that a date is in, which tells years apart."""
    text = "STRFTIME('%Y-%m', x)" if dialect == "sqlite" else "DATE_TRUNC('month', x)"
    return _with(_parsed(text, dialect).copy(), column)


def _with(pattern: exp.Expr, column: exp.Expr) -> exp.Expr:
    for node in list(pattern.find_all(exp.Column)):
        node.replace(column.copy())
    return pattern


# --- spans ------------------------------------------------------------------------------


def _day(time: date) -> exp.Expr:
    return exp.Literal.string(time.isoformat()[:10])


def _spoken(draw: Draw, time: date) -> str:
    month = _MONTHS[time.month - 1]
    phrases = (
        time.isoformat()[:10],
        time.isoformat()[:10],
        f"{time.day} {month} {time.year}",
        f"{month} {time.day}, {time.year}",
    )
    return draw.pick(phrases)


def _from(column: exp.Expr, low: exp.Expr) -> exp.Expr:
    return exp.GTE(this=column.copy(), expression=low)


def _until(column: exp.Expr, high: exp.Expr) -> exp.Expr:
    return exp.LT(this=column.copy(), expression=high)


def on_day(draw: Draw, field: Field, column: exp.Expr, time: datetime) -> Span:
    day = time.date()
    if field.column.family == "date":
        return f"on {_spoken(draw, day)}", [exp.EQ(this=column, expression=_day(day))]
    return f"on {_spoken(draw, day)}", [_from(column, _day(day)), _until(column, _day(day + timedelta(days=1)))]


def since(draw: Draw, _one: Field, column: exp.Expr, time: datetime) -> Span:
    day = time.date() - timedelta(days=draw.random.randrange(4))
    way = draw.pick(("since {}", "from {} on", "on or after {}", "since {}"))
    return way.format(_spoken(draw, day)), [_from(column, _day(day))]


def before(draw: Draw, _one: Field, column: exp.Expr, time: datetime) -> Span:
    day = time.date() + timedelta(days=draw.random.randrange(1, 6))
    return draw.pick(("before {}", "earlier than {}", "before {}")).format(_spoken(draw, day)), [
        _until(column, _day(day))
    ]


def after(draw: Draw, field: Field, column: exp.Expr, time: datetime) -> Span:
    day = time.date() - timedelta(days=draw.random.randrange(1, 6))
    words = draw.pick(("after {}", "later than {}")).format(_spoken(draw, day))
    if field.column.family == "date":
        return words, [exp.GT(this=column, expression=_day(day))]
    return words, [_from(column, _day(day + timedelta(days=1)))]


def between(draw: Draw, field: Field, column: exp.Expr, time: datetime) -> Span:
    low = time.date() - timedelta(days=draw.random.randrange(1, 60))
    high = time.date() + timedelta(days=draw.random.randrange(1, 60))
    words = draw.pick(("between {} and {}", "from {} to {}")).format(_spoken(draw, low), _spoken(draw, high))
    if field.column.family == "date":
        return words, [exp.Between(this=column, low=_day(low), high=_day(high))]
    return words, [_from(column, _day(low)), _until(column, _day(high + timedelta(days=1)))]


def month(draw: Draw, _one: Field, column: exp.Expr, time: datetime) -> Span:
    low = time.date().replace(day=1)
    high = (low + timedelta(days=32)).replace(day=1)
    words = draw.pick(("in {m} {y}", "in {m} {y}", "during {m} {y}"))
    return words.format(m=_MONTHS[low.month - 1], y=low.year), [_from(column, _day(low)), _until(column, _day(high))]


def year(draw: Draw, _one: Field, column: exp.Expr, time: datetime) -> Span:
    low = date(time.year, 1, 1)
    words = draw.pick(("in {}", "in {}", "during {}", "in the year {}")).format(time.year)
    return words, [_from(column, _day(low)), _until(column, _day(date(time.year + 1, 1, 1)))]


def years(draw: Draw, _one: Field, column: exp.Expr, time: datetime) -> Span:
    """Whole years: since 2019, before 2020."""
    if draw.chance(0.5):
        first = time.year - draw.random.randrange(2)
        return draw.pick(("since {}", "from {} on")).format(first), [_from(column, _day(date(first, 1, 1)))]
    first = time.year + draw.random.randrange(1, 3)
    return f"before {first}", [_until(column, _day(date(first, 1, 1)))]


def relative(draw: Draw, _one: Field, column: exp.Expr, time: datetime) -> Span:
    """A span that holds the time, such as this month. Raises Skip if it is too long ago."""
    dialect, now = draw.view.dialect, draw.view.now
    spans: list[Callable[[], Span]] = []
    days = (now.date() - time.date()).days
    if days < 0 or days > 800:
        raise Skip("too long ago")

    def day(n: int) -> exp.Expr:
        return clock("day", n, dialect)

    if days == 0:
        spans.append(lambda: ("today", [_from(column, day(0)), _until(column, clock("next", 1, dialect))]))
    if days == 1:
        spans.append(lambda: ("yesterday", [_from(column, day(1)), _until(column, day(0))]))
    last = next((n for n in (7, 10, 14, 30, 60, 90, 180, 365) if n >= days), None)
    if last:
        words = draw.pick(("in the last {n} days", "in the past {n} days", "within the last {n} days"))
        spans.append(lambda: (words.format(n=last), [_from(column, day(last))]))
    for unit, back in _units(now.date(), time.date()):
        name = "this" if back == 0 else "last"
        bounds = [_from(column, clock(unit, back, dialect))]
        bounds += [_until(column, clock(unit, 0, dialect))] if back else []
        spans.append(lambda name=name, unit=unit, bounds=bounds: (f"{name} {unit}", bounds))  # type: ignore[misc]
    if not spans:
        raise Skip("in no such span")
    return draw.pick(spans)()


def _units(now: date, time: date) -> list[tuple[str, int]]:
    """Calendar units that hold a day: this one (0) or the last (1)."""
    monday = now - timedelta(days=now.weekday())
    units = [("year", now.year - time.year), ("month", 12 * (now.year - time.year) + now.month - time.month)]
    units.append(("week", 0 if time >= monday else 1 if time >= monday - timedelta(days=7) else 9))
    return [(unit, back) for unit, back in units if back in (0, 1)]


SPANS: Mapping[str, Callable[..., Span]] = {
    "on": on_day,
    "since": since,
    "before": before,
    "after": after,
    "between": between,
    "month": month,
    "year": year,
    "years": years,
    "relative": relative,
}


def parsed(value: Any) -> datetime:
    """The time that a value says."""
    return datetime.fromisoformat(str(value)).replace(tzinfo=None)
