"""Days, months and years as dates, and times that are relative to the ``now`` of a database.

bounds("2024-05")                  Period(first="2024-05-01", next="2024-06-01", last="2024-05-31")
relative("ago:day", 7, "2024-05-20T10:00:00")      "2024-05-13"
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

__all__ = ["RELATIVE_PERIODS", "Period", "bounds", "relative"]

_PERIOD = re.compile(r"(?P<year>(?:1[5-9]|20|21)[0-9]{2})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")
# The tokens of periods, with those of their first day and of the day after them.
RELATIVE_PERIODS = {
    "today": ("today", "next:day"),
    "prev:day": ("prev:day", "today"),
    **{f"start:{unit}": (f"start:{unit}", f"next:{unit}") for unit in ("week", "month", "quarter", "year")},
    **{f"prev:{unit}": (f"prev:{unit}", f"start:{unit}") for unit in ("week", "month", "quarter", "year")},
}
_STEPS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, kw_only=True)
class Period:
    """A day, a month or a year, as ISO dates."""

    first: str
    next: str  # the day after it
    last: str


@lru_cache(maxsize=4096)
def bounds(text: str) -> Period | None:
    """The period that a day, month or year in ISO form is; None: it is none."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        return None
    try:
        first = date(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1))
        after = _after(first, "day" if found["day"] else "month" if found["month"] else "year")
    except (ValueError, OverflowError):
        return None
    return Period(first=first.isoformat(), next=after.isoformat(), last=(after - timedelta(days=1)).isoformat())


def relative(token: str, number: int, now: str) -> str | None:
    """The time of a token such as ``ago:day`` or ``start:month``; None: the token is none, or it is out of range."""
    kind, _, unit = token.partition(":")
    moment = datetime.fromisoformat(now)
    try:
        if token == "now":
            return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
        if token == "ago:hour":
            earlier = moment.replace(tzinfo=None) - timedelta(hours=number)
            return earlier.isoformat(sep=" ", timespec="seconds")
        today = moment.date()
        if token == "today":
            return today.isoformat()
        if kind in ("ago", "in"):
            return _after(today, unit, -number if kind == "ago" else number).isoformat()
        start = _start(today, unit)
        steps = {"start": 0, "prev": -1, "next": 1}
        return _after(start, unit, steps[kind]).isoformat() if kind in steps else None
    except (ValueError, OverflowError):
        return None


def _start(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "day":
        return day
    month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}[unit]
    return day.replace(month=month, day=1)


def _after(day: date, unit: str, number: int = 1) -> date:
    """A day some units later; the last day of a month that is too short."""
    if unit in ("day", "week"):
        return day + timedelta(days=number * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + number * _STEPS[unit]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
