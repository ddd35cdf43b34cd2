"""What a values file says of a field, as far as the field can hold it.

fitting("number", Known(values=(5, "n/a")))     (Known(values=(5,)), ("n/a",))

A person writes that file, or an index has moved since: what does not fit is left out and told.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Callable, Mapping

from dstill_querydsl.language.values import Known

__all__ = ["fitting"]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 2**53


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
    """What a field of that kind can hold of it, and what it cannot."""
    values = known.values
    if kind == "category":  # a keyword that looks like a number is one in JSON now and then
        values = tuple(str(value) if _number(value) else value for value in values)
    kept = tuple(value for value in values if _HOLDS[kind](value) and not (whole and value != int(value)))
    left = tuple(value for value in values if value not in kept)
    bounds = {"number": _number, "date": _HOLDS["date"]}.get(kind, lambda bound: False)
    low, high = (bound if bound is not None and bounds(bound) else None for bound in (known.low, known.high))
    strange = tuple(bound for bound in (known.low, known.high) if bound is not None and not bounds(bound))
    return replace(known, values=kept, low=low, high=high), (*left, *strange)
