"""The values of a values file that fit the type of their field.

fitting("number", Known(values=(5, "n/a")))     (Known(values=(5,)), ("n/a",))

A person may have written the file, or the index may have changed. The user is warned of values that do not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from dstill.api.values import Known
from dstill_querydsl.language.field_types import MAX_EXACT

__all__ = ["fitting"]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MAX_EXACT


def _point(value: Any) -> bool:
    return isinstance(value, Mapping) and _number(value["lat"]) and _number(value["lon"]) and abs(value["lat"]) <= 90


def _address(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ip_address(value))
    except ValueError:
        return False


_HOLDS: Mapping[str, Callable[[Any], bool]] = {
    "category": lambda value: isinstance(value, str) and value != "",
    "number": _number,
    "text": lambda value: isinstance(value, str) and value != "",
    "boolean": lambda value: isinstance(value, bool),
    "ip": _address,
    "geo": _point,
    "date": lambda value: isinstance(value, (str, int, float)) and not isinstance(value, bool),
}


def fitting(kind: str, known: Known, *, whole: bool = False) -> tuple[Known, tuple[Any, ...]]:
    """The known values that fit a field of that kind, and the values that do not."""
    values = known.values
    if kind == "category":  # keywords that look like numbers are sometimes numbers in JSON
        values = tuple(str(value) if _number(value) else value for value in values)
    fits = tuple(value for value in values if _HOLDS[kind](value) and not (whole and value != int(value)))
    misfits = tuple(value for value in values if value not in fits)
    bounds = {"number": _number, "date": _HOLDS["date"]}.get(kind, lambda _: False)
    low, high = (bound if bound is not None and bounds(bound) else None for bound in (known.low, known.high))
    wrong_bounds = tuple(bound for bound in (known.low, known.high) if bound is not None and not bounds(bound))
    return replace(known, values=fits, low=low, high=high), (*misfits, *wrong_bounds)
