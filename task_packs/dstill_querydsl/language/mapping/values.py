"""Checks whether a value fits the type of a field: numbers, dates, IP addresses, booleans.

In: a field and a value. Out: what is wrong with it, or an empty string:

    wrong_value(long, "PushEvent")      -> "is not a number"
    wrong_value(date, "now-7days")      -> "is not date math"
    wrong_value(ip, "10.0.0.0/8")       -> ""

Dates in a format that is not known here (a named one such as ``basic_week_date``) are not checked.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dstill_querydsl.language import dates
from dstill_querydsl.language.fields import Field

__all__ = ["wrong_value"]

_DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"
_LETTERS = set("yuMdHhmsS")  # letters of a date pattern that are written as digits
_MAX_OPEN_ENDED = 4  # in a row: a regular expression may try all 9⁴ ways to split the digits
_OPTIONAL_TIME = (
    r"[+-]?\d{1,9}(-\d{1,2}(-\d{1,2}(T(\d{1,2}(:\d{1,2}(:\d{1,2}([.,]\d{1,9})?)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?)?)?"
)
_NAMED = {
    "date_optional_time": _OPTIONAL_TIME,
    "date_time": r"\d{1,4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{1,2}:\d{1,2}[.,]\d{1,9}(Z|[+-]\d{2}:?\d{2})",
    "date_time_no_millis": r"\d{1,4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{1,2}:\d{1,2}(Z|[+-]\d{2}:?\d{2})",
    "date": r"\d{1,4}-\d{1,2}-\d{1,2}",
    "year_month_day": r"\d{1,4}-\d{1,2}-\d{1,2}",
    "year_month": r"\d{1,4}-\d{1,2}",
    "year": r"\d{1,9}",
    "basic_date": r"\d{8}",
    "epoch_millis": r"-?\d+(\.\d+)?",
    "epoch_second": r"-?\d+(\.\d+)?",
}


def wrong_value(field: Field, value: Any, options: Mapping[str, Any]) -> str:
    """The fault of `value` for `field`; empty if it fits or cannot be checked."""
    if isinstance(value, (dict, list)):
        return "is not one value"
    if value is None:
        return ""
    if field.family == "number":
        return "" if _is_number(value) else "is not a number"
    if field.family == "boolean":
        return "" if value in (True, False, "true", "false", "") else "is neither true nor false"
    if field.family == "ip":
        return "" if _is_address(value) else "is not an IP address or network"
    if field.family == "date":
        return _wrong_date(field, value, options)
    return ""


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        float(value)
    except (ValueError, OverflowError):
        return isinstance(value, int)
    return True


def _is_address(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _wrong_date(field: Field, value: Any, options: Mapping[str, Any]) -> str:
    if isinstance(value, bool):
        return "is not a date"
    if isinstance(value, (int, float)):
        return ""
    own = options.get("format")
    format_ = own if isinstance(own, str) else field.format or _DEFAULT_FORMAT
    if dates.is_math(value):
        if not dates.well_formed(value):
            return "is not date math such as 'now-7d/d' or '2024-01-01||+1M'"
        value = value.split("||", 1)[0] if "||" in value else None
    if value is not None and dates.impossible(value):
        return "is a day that does not exist"
    if value is None or _fits(format_, value):
        return ""
    return f"is not a date in the format {format_!r}"


def _fits(format_: str, value: str) -> bool:
    patterns = [_regex(part) for part in format_.split("||")]
    return any(pattern is None or pattern.fullmatch(value) for pattern in patterns)


@lru_cache(maxsize=256)
def _regex(format_: str) -> re.Pattern[str] | None:
    """A regular expression for dates in one format, or None if the format is not known here."""
    name = format_.removeprefix("strict_").removesuffix("_nanos")
    if name in _NAMED:
        return re.compile(_NAMED[name])
    out, open_ended = [], 0  # open_ended: runs of unknown length with nothing but digits between them
    for part in re.finditer(r"'([^']*)'|([A-Za-z])\2*|.", format_, re.DOTALL):
        quoted, letter, text = part[1], part[2], part[0]
        if letter is None:
            literal = text if quoted is None else quoted
            out.append(re.escape(literal))
            open_ended = open_ended if literal.isdigit() or not literal else 0
        elif letter not in _LETTERS or (letter == "M" and len(text) > 2):
            return None
        else:
            # Short runs take more digits (d is 1 or 2), long ones exactly theirs, a year up to 9.
            least, most = 1 if len(text) == 1 else len(text), max(9 if letter in "yu" else 2, len(text))
            open_ended += least < most
            if open_ended > _MAX_OPEN_ENDED:
                return None
            out.append(f"\\d{{{least},{most}}}")
    return re.compile("".join(out))
