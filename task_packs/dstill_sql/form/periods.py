"""Days, months and years as dates, and those that are relative to now.

bounds("2024-05")     Period(first="2024-05-01", next="2024-06-01", last="2024-05-31")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

__all__ = ["RELATIVE_PERIODS", "Period", "bounds"]

_PERIOD = re.compile(r"(?P<year>(?:1[5-9]|20|21)[0-9]{2})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")
# The tokens of periods, with those of their first day and of the day after them.
RELATIVE_PERIODS = {
    "today": ("today", "next:day"),
    "prev:day": ("prev:day", "today"),
    **{f"start:{unit}": (f"start:{unit}", f"next:{unit}") for unit in ("week", "month", "quarter", "year")},
    **{f"prev:{unit}": (f"prev:{unit}", f"start:{unit}") for unit in ("week", "month", "quarter", "year")},
}


@dataclass(frozen=True, kw_only=True)
class Period:
    """A day, a month or a year, as ISO dates."""

    first: str
    next: str  # the day after it
    last: str


@lru_cache(maxsize=4096)
def bounds(text: str) -> Period | None:
    """The period that a day, month or year in ISO form is; None: it is none."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        return None
    try:
        first = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
        after = _after(first, match.groupdict())
    except (ValueError, OverflowError):
        return None
    return Period(first=first.isoformat(), next=after.isoformat(), last=(after - timedelta(days=1)).isoformat())


def _after(first: date, parts: Mapping[str, str | None]) -> date:
    """The day after a period. `parts`: those that it is written with."""
    if parts["day"]:
        return first + timedelta(days=1)
    months = first.year * 12 + first.month - 1 + (1 if parts["month"] else 12)
    return first.replace(year=months // 12, month=months % 12 + 1)
