"""Parse and write dates of documents in the mapping's format.

moment("2025-03-14T09:30:00Z", "")          datetime(2025, 3, 14, 9, 30, tzinfo=UTC)
moment("14.03.2025", "dd.MM.yyyy")          datetime(2025, 3, 14, tzinfo=UTC)
written(datetime(2025, 3, 14, tzinfo=UTC), "epoch_second")   1741910400

Not covered: week dates, locales, and parts that strptime does not have. Such a date is None, and no question uses it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dstill_querydsl.language.date_formats import ISO, formats_of, pattern_of, written

__all__ = ["moment", "reads_iso", "written"]


def reads_iso(format: str) -> bool:
    """Whether this format of a mapping accepts a day such as 2025-03-14."""
    return any(form in ISO or pattern_of(form) == "%Y-%m-%d" for form in formats_of(format))


def moment(value: Any, format: str) -> datetime | None:
    """A document's date in UTC. None if it cannot be parsed."""
    for form in formats_of(format):
        try:
            time = _read(value, form)
        except (ValueError, OverflowError, OSError):
            continue
        if time is not None and 1000 < time.year < 9990:
            return time
    return None


def _read(value: Any, form: str) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, (int, float)) or (value.isdigit() and len(value) > 8):
        return datetime.fromtimestamp(float(value) / (1 if form == "epoch_second" else 1000), UTC)
    if form in ISO:
        time = datetime.fromisoformat(value)
    elif (pattern := pattern_of(form)) is not None:
        time = datetime.strptime(value, pattern)
    else:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
