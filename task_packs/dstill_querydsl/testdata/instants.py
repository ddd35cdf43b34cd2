"""Date math to the millisecond, with real months: the instants that a bound can mean.

    span("2025-02-10", now)        -> (2025-02-10T00:00:00.000, 2025-02-10T23:59:59.999), in ms since 1970
    span("2025-01-31||+1M", now)   -> (2025-02-28T00:00:00.000, the same)
    span("now-1d/d", now)          -> the whole day before
    text(1739145600000, "")        -> "2025-02-10T00:00:00.000Z";  of "epoch_millis" -> 1739145600000

A date without a time, or a rounded one, is a span: gte and lt use its first
millisecond, gt and lte its last. Not covered: time zones, and formats with letters.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from dstill_querydsl.language.date_formats import written
from dstill_querydsl.language.dates import EPOCH, STEP

__all__ = ["DAY", "instant", "span", "text", "whole_days"]

DAY = 86_400_000
_ISO = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:[T ](\d\d))?(?::(\d\d))?(?::(\d\d))?(?:[.,](\d{1,3}))?")
_LENGTH = {"w": 7 * DAY, "d": DAY, "h": 3_600_000, "H": 3_600_000, "m": 60_000, "s": 1000}
_OPEN = ("y", "M", "d", "h", "m", "s", "")  # the unit of the span, by the number of parts of an ISO date


def instant(value: datetime) -> int:
    """Milliseconds since 1970."""
    return round((value - EPOCH) / timedelta(milliseconds=1))


def span(value: Any, now: int) -> tuple[int, int] | None:
    """The first and last millisecond that `value` can mean. None if it is not a date, or not covered."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return _span(value, now)
    except (ValueError, OverflowError):
        return None


def _span(value: int | float | str, now: int) -> tuple[int, int] | None:
    if not isinstance(value, str) or re.fullmatch(r"-?\d{5,}", value):
        return int(value), int(value)
    start, bars, steps = value.partition("||")
    if value.startswith("now"):
        moment, unit, steps = now, "", value[3:]
    else:
        match = _ISO.match(start)
        if match is None:
            return None
        parts = [part for part in match.groups() if part is not None]
        numbers = [int(part) for part in parts[:6]] + [1, 1, 0, 0, 0][max(len(parts[:6]) - 1, 0) :]
        moment = instant(datetime(*numbers[:6], tzinfo=UTC))  # type: ignore[arg-type, misc]
        moment += int(parts[6].ljust(3, "0")) if len(parts) > 6 else 0
        unit = "" if bars else _OPEN[len(parts) - 1]
    for step in STEP.finditer(steps):
        if step["round"]:
            unit = step["round"]
            moment = _floor(moment, unit)
        else:
            count = int(step["count"] or 1)
            moment = _plus(moment, count if step["sign"] == "+" else -count, step["unit"])
    return moment, _plus(moment, 1, unit) - 1 if unit else moment


def _plus(moment: int, count: int, unit: str) -> int:
    if unit in _LENGTH:
        return moment + count * _LENGTH[unit]
    at = EPOCH + timedelta(milliseconds=moment)
    months = at.year * 12 + at.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return instant(at.replace(year=year, month=month + 1, day=day))


def _floor(moment: int, unit: str) -> int:
    at = EPOCH + timedelta(milliseconds=moment)
    if unit in ("y", "M"):
        first = at.replace(month=1 if unit == "y" else at.month, day=1, hour=0, minute=0, second=0, microsecond=0)
        return instant(first)
    if unit == "w":  # weeks start on Monday
        return moment - moment % DAY - at.weekday() * DAY
    return moment - moment % _LENGTH[unit]


def text(moment: int, format_: str | None) -> Any:
    """The instant in the format of a field. None if the format is not covered."""
    return written(EPOCH + timedelta(milliseconds=moment), format_)


def whole_days(format_: str | None) -> bool:
    """Whether a field of that format has days without a time."""
    return bool(text(10 * DAY, format_) == text(11 * DAY - 1, format_))
