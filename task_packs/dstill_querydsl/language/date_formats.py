"""Date formats of mappings: Elasticsearch's format → Python's, and a time written in a format.

pattern_of("yyyyMMdd") == pattern_of("basic_date") == "%Y%m%d"
written(datetime(2025, 3, 14, tzinfo=UTC), "epoch_second||yyyy")   1741910400

Not covered: week dates, locales, and parts that strptime does not have. The pattern of such a format is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dstill_querydsl.language.dates import EPOCH

__all__ = ["ISO", "formats_of", "pattern_of", "written"]

ISO = ("", "date_optional_time", "strict_date_optional_time", "strict_date_optional_time_nanos", "iso8601")
# named format → strptime's pattern
_NAMED: Mapping[str, str] = {
    "date": "%Y-%m-%d",
    "date_time": "%Y-%m-%dT%H:%M:%S.%fZ",
    "date_time_no_millis": "%Y-%m-%dT%H:%M:%SZ",
    "date_hour_minute_second": "%Y-%m-%dT%H:%M:%S",
    "basic_date": "%Y%m%d",
    "basic_date_time": "%Y%m%dT%H%M%S.%fZ",
    "basic_date_time_no_millis": "%Y%m%dT%H%M%SZ",
    "year_month_day": "%Y-%m-%d",
    "year_month": "%Y-%m",
    "year": "%Y",
}
_LETTERS = {"yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "SSS": "%f"}
_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")


def formats_of(format: str | None) -> list[str]:
    """The alternatives of a format, which ``||`` separates."""
    return [part.strip() for part in (format or "").split("||")]


def pattern_of(form: str) -> str | None:
    """The pattern of strptime and strftime. None if they cannot express the format."""
    name = form.removeprefix("strict_")
    if name in _NAMED:
        return _NAMED[name]
    out = ""
    for token in _TOKEN.finditer(form):
        if token[1] is not None:
            out += token[1]
        elif token[2] and token[0] not in _LETTERS:
            return None
        else:
            out += _LETTERS.get(token[0], token[0])
    return out if "%Y" in out and "%%" not in out else None


def written(time: datetime, format: str | None) -> Any:
    """`time` as a document has it under that format. None if the format is not covered."""
    for form in formats_of(format):
        if form in ("epoch_millis", "epoch_second"):
            return (time - EPOCH) // timedelta(milliseconds=1 if form == "epoch_millis" else 1000)
        if form in ISO:
            return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"
        if (pattern := pattern_of(form)) is not None:
            return time.strftime(pattern.replace("%f", f"{time.microsecond // 1000:03d}"))
    return None
