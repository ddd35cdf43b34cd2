"""Dates as Elasticsearch reads them, date math included.

In: text from a range or a bound. Out: seconds since 1970, or None if it is not a date:

    seconds("2024-01-31", now=0.0)     -> 1706659200.0
    seconds("now-7d/d", now=…)         -> seven days before, rounded down to the day
    well_formed("now-7days")           -> False

This is only as exact as checks need: rounding uses the unit's nominal length (a month has 30 days). That is enough to
estimate sizes, and is never used to run a query.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

__all__ = [
    "CALENDAR_SHORT",
    "CALENDAR_UNITS",
    "EPOCH",
    "STEP",
    "UNITS",
    "impossible",
    "is_math",
    "seconds",
    "well_formed",
]

UNITS = {"s": 1, "m": 60, "h": 3600, "H": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
CALENDAR_UNITS = ("minute", "hour", "day", "week", "month", "quarter", "year")
CALENDAR_SHORT = {"1m": "minute", "1h": "hour", "1d": "day", "1w": "week", "1M": "month", "1q": "quarter", "1y": "year"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP = re.compile(r"(?P<sign>[+-])(?P<count>\d*)(?P<unit>[yMwdhHms])|/(?P<round>[yMwdhHms])")  # one of date math

_STEP = r"(?:[+-]\d*[yMwdhHms]|/[yMwdhHms])"
_MATH = re.compile(rf"(?P<start>now|.+?\|\|)(?P<steps>{_STEP}*)")
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?)?)?)?)?")


def is_math(text: str) -> bool:
    """Whether `text` is date math: it starts with ``now`` or contains ``||``."""
    return text.startswith("now") or "||" in text


def well_formed(text: str) -> bool:
    """Whether date math can be parsed. The date before ``||`` is not checked."""
    return _MATH.fullmatch(text) is not None


def impossible(text: str) -> bool:
    """Whether `text` looks like a day that does not exist, such as 2024-02-30."""
    match = _ISO.match(text)
    return match is not None and match[3] is not None and _absolute(text) is None


def seconds(value: object, now: float) -> float | None:
    """A date as seconds since 1970. Numbers are milliseconds, as in ``epoch_millis``."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return value / 1000 if abs(value) < 1e18 else None
    if not isinstance(value, str):
        return None
    if not is_math(value):
        return _absolute(value)
    match = _MATH.fullmatch(value)
    if match is None:
        return None
    start = now if match["start"] == "now" else _absolute(match["start"].removesuffix("||"))
    return None if start is None else _stepped(start, match["steps"])


def _stepped(moment: float, steps: str) -> float:
    for step in STEP.finditer(steps):
        if unit := step["round"]:
            moment -= moment % UNITS[unit]
        else:
            # Cut a count that is longer than any date, so that no number overflows.
            count = int((step["count"] or "1")[:9])
            moment += (count if step["sign"] == "+" else -count) * UNITS[step["unit"]]
    return moment


def _absolute(text: str) -> float | None:
    if text.isascii() and text.isdigit() and len(text) > 4:
        return float(text[:18]) / 1000
    match = _ISO.match(text)
    if match is None:
        return None
    parts = [
        int(part) if part else default for part, default in zip(match.groups(), (1970, 1, 1, 0, 0, 0), strict=True)
    ]
    try:
        return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
    except ValueError:
        return None
