"""Dates in documents, as the mapping's format writes them.

moment("2025-03-14T09:30:00Z", "")          datetime(2025, 3, 14, 9, 30, tzinfo=UTC)
moment("14.03.2025", "dd.MM.yyyy")          datetime(2025, 3, 14, tzinfo=UTC)
written(datetime(2025, 3, 14, tzinfo=UTC), "epoch_second")   1741910400

Not covered: week dates, locales, and formats with parts that strptime does not have; such a
date is None, and no question is made of it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Mapping

__all__ = ["moment", "reads_iso", "written"]

_ISO = ("", "date_optional_time", "strict_date_optional_time", "strict_date_optional_time_nanos", "iso8601")
# named format → strptime's
_NAMED: Mapping[str, str] = {
    "date": "%Y-%m-%d",
    "date_time": "%Y-%m-%dT%H:%M:%S.%fZ",
    "date_time_no_millis": "%Y-%m-%dT%H:%M:%SZ",
    "date_hour_minute_second": "%Y-%m-%dT%H:%M:%S",
    "basic_date": "%Y%m%d",
    "year_month_day": "%Y-%m-%d",
    "year_month": "%Y-%m",
    "year": "%Y",
}
_LETTERS = {"yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%f"}
_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")


def _formats(format: str) -> list[str]:
    return [one.strip() for one in format.split("||")]


def reads_iso(format: str) -> bool:
    """Whether a day as 2025-03-14 is read under this format of the mapping."""
    return any(one in _ISO or _strptime(one) == "%Y-%m-%d" for one in _formats(format))


def _strptime(one: str) -> str | None:
    name = one.removeprefix("strict_")
    if name in _NAMED:
        return _NAMED[name]
    out = ""
    for token in _TOKEN.finditer(one):
        if token[1] is not None:
            out += token[1]
        elif token[2] and token[0] not in _LETTERS:
            return None
        else:
            out += _LETTERS.get(token[0], token[0])
    return out if "%Y" in out and "%%" not in out else None


def moment(value: Any, format: str) -> datetime | None:
    """A document's date in UTC, or None."""
    for one in _formats(format):
        try:
            found = _read(value, one)
        except (ValueError, OverflowError, OSError):
            continue
        if found is not None and 1000 < found.year < 9990:
            return found
    return None


def _read(value: Any, one: str) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, (int, float)) or (value.isdigit() and len(value) > 8):
        return datetime.fromtimestamp(float(value) / (1 if one == "epoch_second" else 1000), UTC)
    if one in _ISO:
        found = datetime.fromisoformat(value)
    elif (form := _strptime(one)) is not None:
        found = datetime.strptime(value, form)
    else:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def written(time: datetime, format: str) -> Any:
    """As a document of that mapping would hold it; None where the format cannot be written."""
    for one in _formats(format):
        if one in ("epoch_millis", "epoch_second"):
            return int(time.timestamp() * (1000 if one == "epoch_millis" else 1))
        if one in _ISO:
            return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
        if (form := _strptime(one)) is not None:
            return time.strftime(form.replace("%f", f"{time.microsecond // 1000:03d}"))
    return None
