"""Ranges in words, date math included.

numbers({"gte": 5, "lt": 9}, str)                             at least 5 and less than 9
dates({"gte": "now-7d"})                                      in the last 7 days
dates({"gte": "2025-01-01", "lt": "2025-01-01||+1M"})         in January 2025
dates({"gte": "2025-01-01", "lt": "2025-02-01"})              from 2025-01-01 to before 2025-02-01

Each spelling has words of its own, also where two are the same span of time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from typing import Any

from dstill_querydsl.language.readback.naming import scalar

__all__ = ["dates", "moment", "numbers"]

_UNITS = {"y": "year", "M": "month", "w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}
_ISO = r"\d{4}(?:-\d\d(?:-\d\d(?:[T ][\d:.]+Z?)?)?)?"
_STEP = r"(?P<sign>[+-])(?P<count>\d+)(?P<unit>[yMwdhms])"
_MOMENT = re.compile(rf"(?P<base>now|{_ISO})(?:\|\|)?(?:{_STEP})?(?:/(?P<round>[yMwdhms]))?")
_ROUNDED = re.compile(rf"(?P<base>now|{_ISO})(?:\|\|)?/(?P<round>[yMwdhms]){_STEP}")
_PERIOD = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)\|\|\+1(?P<unit>[yMd])")
_LAST = re.compile(r"now-(?P<count>[1-9]\d*)(?P<unit>[yMwdhms])(?:/(?P=unit))?")
_NEXT = re.compile(r"now\+(?P<count>[1-9]\d*)(?P<unit>[yMwdhms])")
_NAMES = {
    "d": ("yesterday", "today", "tomorrow"),
    **{unit: (f"last {_UNITS[unit]}", f"this {_UNITS[unit]}", f"next {_UNITS[unit]}") for unit in "yMwhm"},
}
_LOW = (("gte", "from"), ("gt", "after"))
_ENDS = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most"}


def numbers(bounds: Mapping[str, Any], value: Callable[[Any], str]) -> str:
    """The bounds of a range; `value` gives the words for one of them."""
    if bounds.keys() == {"gte", "lte"}:
        return f"between {value(bounds['gte'])} and {value(bounds['lte'])}"
    return " and ".join(f"{_ENDS[end]} {value(bounds[end])}" for end in _ENDS if end in bounds)


def dates(bounds: Mapping[str, Any]) -> str:
    """The bounds of a range of dates."""
    return _span(bounds) or _from_to(bounds)


def moment(value: Any, *, end: bool = False) -> str:
    """One date. `end`: where it is rounded, it is rounded up, as engines do for ``gt`` and ``lte``."""
    if not isinstance(value, str):
        return scalar(value)
    edge = "end" if end else "start"
    if match := _MOMENT.fullmatch(value):
        return _moment(match, edge) if ("||" in value) == _has_bars(match) else scalar(value)
    if match := _ROUNDED.fullmatch(value):
        if ("||" in value) != _has_bars(match):
            return scalar(value)
        return f"{_edge(match['base'], match['round'], edge)} {_shift(match)}"
    return scalar(value)


def _has_bars(match: re.Match[str]) -> bool:
    """Whether a date before such date math ends with ``||``."""
    return match["base"] != "now" and bool(match["unit"] or match["round"])


def _moment(match: re.Match[str], edge: str) -> str:
    base, unit, rounded = match["base"], match["unit"], match["round"]
    if not unit:
        return _edge(base, rounded, edge) if rounded else base
    if base == "now":
        text = f"{_counted(match)} {'ago' if match['sign'] == '-' else 'from now'}"
        return f"the {edge} of the {_UNITS[rounded]} {text}" if rounded else text
    text = f"{base} {_shift(match)}"
    return f"the {edge} of the {_UNITS[rounded]} of ({text})" if rounded else text


def _edge(base: str, unit: str, edge: str) -> str:
    """``the start of this year``, ``the end of the month of 2025-03-14``."""
    if base != "now":
        return f"the {edge} of the {_UNITS[unit]} of {base}"
    return f"the {edge} of {'today' if unit == 'd' else f'this {_UNITS[unit]}'}"


def _shift(match: re.Match[str]) -> str:
    return f"{'minus' if match['sign'] == '-' else 'plus'} {_counted(match)}"


def _counted(match: re.Match[str]) -> str:
    return f"{match['count']} {_UNITS[match['unit']]}{'' if match['count'] == '1' else 's'}"


def _span(bounds: Mapping[str, Any]) -> str:
    """The name of a span of time; empty: it has none."""
    if not all(isinstance(value, str) for value in bounds.values()):
        return ""
    low, high = bounds.get("gte", ""), bounds.get("lt", "")
    if bounds.keys() == {"gte", "lt"}:
        return _period(low, high) or _named(low, high)
    last = _LAST.fullmatch(low)
    if last and "/" not in low and (bounds.keys() == {"gte"} or bounds.get("lte") == "now"):
        return f"in the last {_plural(last)}{' until now' if 'lte' in bounds else ''}"
    ahead = _NEXT.fullmatch(bounds.get("lte", "")) if low == "now" else None
    return f"in the next {_plural(ahead)}" if ahead else ""


def _period(low: str, high: str) -> str:
    """``in 2025`` for the year, month or day that starts at `low`."""
    match = _PERIOD.fullmatch(high)
    name = _name(match) if match and match["day"] == low else ""
    return name and f"{'on' if name == low else 'in'} {name}"


def _name(match: re.Match[str]) -> str:
    """``2025``, ``January 2025``, ``2025-01-14``: the period that starts at that day; empty: it has no name."""
    year, month, day = match["day"].split("-")
    if match["unit"] == "d":
        return match["day"]
    if day != "01" or not 1 <= int(month) <= 12 or (match["unit"] == "y" and month != "01"):
        return ""
    return year if match["unit"] == "y" else f"{calendar.month_name[int(month)]} {year}"


def _named(low: str, high: str) -> str:
    """``yesterday``, ``this week``, ``in the last 3 full months``."""
    last = _LAST.fullmatch(low)
    if last and low.endswith(f"/{last['unit']}") and high == f"now/{last['unit']}":
        single = last["count"] == "1" and last["unit"] in _NAMES
        return _NAMES[last["unit"]][0] if single else f"in the last {last['count']} full {_UNITS[last['unit']]}s"
    for unit, (_, this, following) in _NAMES.items():
        if (low, high) == (f"now/{unit}", f"now+1{unit}/{unit}"):
            return this
        if (low, high) == (f"now+1{unit}/{unit}", f"now+2{unit}/{unit}"):
            return following
    return ""


def _plural(match: re.Match[str]) -> str:
    return _UNITS[match["unit"]] if match["count"] == "1" else _counted(match)


def _from_to(bounds: Mapping[str, Any]) -> str:
    low = next((f"{word} {moment(bounds[end], end=end == 'gt')}" for end, word in _LOW if end in bounds), "")
    high = _high(bounds, alone=not low)
    if not (low and high):
        return high or (f"{low} on" if "gte" in bounds else low)
    if "gt" in bounds:
        return f"{low} and {high}"
    return f"{low} {'to ' * high.startswith('before ')}{high}"


def _high(bounds: Mapping[str, Any], *, alone: bool) -> str:
    if "lte" in bounds:
        return f"up to {moment(bounds['lte'], end=True)}"
    if "lt" not in bounds:
        return ""
    match = _PERIOD.fullmatch(bounds["lt"]) if isinstance(bounds["lt"], str) else None
    name = _name(match) if match else ""
    if name:
        return f"{'up to the end of' if alone else 'through'} {name}"
    return f"before {moment(bounds['lt'])}"
