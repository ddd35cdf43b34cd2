"""The values at the boundary of one clause on one field, and which of them meet it.

    read_clause("range", took, {"gte": 5}, {}, now)  → values [5, 4, 6], low 5
    read_clause("term", level, "error", {}, now)     → values ["error", "ERROR", "errors", "erro", "error alpha", …]
    read_clause("term", address, "192.0.2.0/24", …)  → values [192.0.2.0, 192.0.2.255, 192.0.1.255, 192.0.3.0]

Dates are milliseconds since 1970. The tests know neither analyzers nor formats: they say what
a value is intended for, and the engine decides whether it matches.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.query_forms import VALUE_KEYS
from dstill_querydsl.testdata import instants

__all__ = ["FieldCondition", "read_clause"]

_HOUR = 3_600_000
_UNITS = {"km": 1.0, "m": 0.001, "mi": 1.609344, "yd": 0.0009144, "ft": 0.0003048, "nmi": 1.852, "cm": 1e-5, "": 0.001}
_KM = 111.195  # of a degree of latitude


@dataclass(frozen=True, kw_only=True)
class FieldCondition:
    """The condition of a clause on its field."""

    values: Sequence[Any]  # values that meet the condition or just miss it
    test: Callable[[Any], bool]
    low: float | None = None  # of a range of numbers or dates: the lowest value that meets it
    high: float | None = None


def read_clause(operator: str, field: Field, value: Any, options: Mapping[str, Any], now: int) -> FieldCondition:
    """The condition of one clause. `now` is in milliseconds since 1970."""
    if operator == "range" and isinstance(value, Mapping):
        return _range(field, value, now)
    if operator == "geo_distance":
        return _circle(value, str(options.get("distance", "")))
    if operator == "geo_bounding_box" and isinstance(value, Mapping):
        return _box(value)
    if isinstance(value, Mapping):
        value, options = next((value[key] for key in VALUE_KEYS if key in value), None), {**options, **value}
    wanted = [item for item in (value if isinstance(value, list) else [value]) if not isinstance(item, (list, dict))]
    return _any([_equal(operator, field, item, options, now) for item in wanted if item is not None])


def _any(conditions: Sequence[FieldCondition]) -> FieldCondition:
    if len(conditions) == 1:
        return conditions[0]
    values = [value for condition in conditions for value in condition.values]
    return FieldCondition(values=values, test=lambda value: any(condition.test(value) for condition in conditions))


def _equal(operator: str, field: Field, value: Any, options: Mapping[str, Any], now: int) -> FieldCondition:
    if field.family == "date":
        return _moment(value, now)
    if field.family == "number":
        return _number(value)
    if field.family == "boolean":
        wanted = value in (True, "true")
        return FieldCondition(values=[wanted, not wanted], test=lambda other: other is wanted)
    if field.family == "ip":
        return _address(str(value))
    return _text(operator, field, str(value), options)


# --- numbers and dates ------------------------------------------------------------------


def _number(value: Any) -> FieldCondition:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return FieldCondition(values=[], test=lambda _: False)
    whole: Any = int(number) if number.is_integer() else number
    return FieldCondition(values=[whole, whole + 1, whole - 1], test=lambda other: other == number)


def _moment(value: Any, now: int) -> FieldCondition:
    span = instants.span(value, now)
    if span is None:
        return FieldCondition(values=[], test=lambda _: False)
    first, last = span
    return FieldCondition(
        values=[first, last, first - 1, last + 1, first + _HOUR],
        test=lambda other: isinstance(other, int) and first <= other <= last,
    )


def _range(field: Field, options: Mapping[str, Any], now: int) -> FieldCondition:
    if field.family == "ip":
        return _addresses(options)
    if field.family not in ("number", "date"):
        return _between_texts(options)
    values: list[Any] = []
    low = high = None
    # the distance to the next value: whole numbers and milliseconds, or any number
    step = 1 if field.family == "date" or field.type in ("long", "integer", "short", "byte") else 0.5
    for bound in ("gte", "gt", "lte", "lt", "from", "to"):
        edges = _edges(field, options.get(bound), now)
        if edges is None:
            continue
        first, last = edges
        beside = step if step == 1 else max(abs(first) * 0.001, 0.0001)
        values += [first, first - step, first + step]
        # and for other numbers a little further, to notice a bound that is a tenth higher
        values += [round(first * part, 6) for part in (0.95, 1.05)] if step == 0.5 else []
        values += [last, last + 1, first + instants.DAY, first - instants.DAY] if field.family == "date" else []
        if bound in ("gte", "from"):
            low = first
        elif bound == "gt":
            low = last + beside
        else:
            high = first - beside if bound == "lt" else last
    return FieldCondition(
        values=list(dict.fromkeys(values)),
        test=lambda other: (low is None or other >= low) and (high is None or other <= high),
        low=low,
        high=high,
    )


def _edges(field: Field, value: Any, now: int) -> tuple[Any, Any] | None:
    if value is None:
        return None
    if field.family == "date":
        return instants.span(value, now)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    edge: Any = int(number) if number.is_integer() else number
    return edge, edge


def _between_texts(options: Mapping[str, Any]) -> FieldCondition:
    bounds = {key: str(options[key]) for key in ("gt", "gte", "lt", "lte") if options.get(key) is not None}
    values = [text for bound in bounds.values() for text in (bound, bound + "0", bound[:-1])]

    def test(other: Any) -> bool:
        return (
            not (("gt" in bounds and other <= bounds["gt"]) or ("gte" in bounds and other < bounds["gte"]))
            and not ("lt" in bounds and other >= bounds["lt"])
            and not ("lte" in bounds and other > bounds["lte"])
        )

    return FieldCondition(values=values, test=test)


# --- addresses and places ---------------------------------------------------------------


def _address(text: str) -> FieldCondition:
    try:
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return FieldCondition(values=[], test=lambda _: False)
    return _addresses({"gte": str(net[0]), "lte": str(net[-1])})


def _addresses(options: Mapping[str, Any]) -> FieldCondition:
    try:
        bounds = {
            key: ipaddress.ip_address(str(options[key])) for key in ("gt", "gte", "lt", "lte") if options.get(key)
        }
    except ValueError:
        return FieldCondition(values=[], test=lambda _: False)
    kind = ipaddress.ip_address
    around = [int(bound) + shift for bound in bounds.values() for shift in (0, 1, -1)]
    wide = max((bound.max_prefixlen for bound in bounds.values()), default=32)
    low = max((int(b) + (key == "gt") for key, b in bounds.items() if key in ("gt", "gte")), default=0)
    high = min((int(b) - (key == "lt") for key, b in bounds.items() if key in ("lt", "lte")), default=2**wide - 1)
    inside = [low + (high - low) * part // 5 for part in range(1, 5)] if high > low else []
    values = [str(kind(number)) for number in dict.fromkeys([*inside, *around]) if 0 <= number < 2**wide]
    return FieldCondition(values=values, test=lambda other: isinstance(other, str) and low <= int(kind(other)) <= high)


def _point(value: Any) -> tuple[float, float] | None:
    if isinstance(value, Mapping) and {"lat", "lon"} <= set(value):
        return float(value["lat"]), float(value["lon"])
    if isinstance(value, list) and len(value) == 2:
        return float(value[1]), float(value[0])
    parts = value.split(",") if isinstance(value, str) else []
    try:
        return (float(parts[0]), float(parts[1])) if len(parts) == 2 else None
    except ValueError:
        return None


def _place(lat: float, lon: float) -> dict[str, float]:
    return {"lat": round(max(-90.0, min(90.0, lat)), 6), "lon": round((lon + 180) % 360 - 180, 6)}


def _circle(value: Any, distance: str) -> FieldCondition:
    centre = _point(value)
    match = re.fullmatch(r"([\d.]+)\s*([a-z]*)", distance)
    if centre is None or match is None or match[2] not in _UNITS:
        return FieldCondition(values=[], test=lambda _: False)
    radius = float(match[1]) * _UNITS[match[2]]
    lat, lon = centre
    wide = max(math.cos(math.radians(lat)), 0.05)
    parts = (0.0, 0.99, 1.01, 0.3, 0.55, 0.8, 1.3, 1.55, 1.9, 2.5)
    values = [
        _place(lat + radius * part * math.cos(turn) / _KM, lon + radius * part * math.sin(turn) / _KM / wide)
        for number, part in enumerate(parts)
        for turn in [number * 1.1]
    ]

    def test(other: Any) -> bool:
        north, east = (other["lat"] - lat) * _KM, (other["lon"] - lon) * _KM * wide
        return math.hypot(north, east) <= radius

    return FieldCondition(values=values, test=test)


def _box(options: Mapping[str, Any]) -> FieldCondition:
    first, second = _point(options.get("top_left")), _point(options.get("bottom_right"))
    if first is None or second is None:
        return FieldCondition(values=[], test=lambda _: False)
    (top, left), (bottom, right) = first, second
    tall, wide = (top - bottom) / 10, (right - left) / 10
    spots = [(5, 5), (1, 1), (9, 9), (1, 9), (5, -0.5), (5, 10.5), (-0.5, 5), (10.5, 5), (3, 7)]
    values = [_place(bottom + tall * up, left + wide * along) for up, along in spots]
    return FieldCondition(
        values=values, test=lambda other: bottom <= other["lat"] <= top and left <= other["lon"] <= right
    )


# --- texts ------------------------------------------------------------------------------


def _text(operator: str, field: Field, text: str, options: Mapping[str, Any]) -> FieldCondition:
    if operator == "wildcard":
        full = text.replace("*", "qu").replace("?", "q")
        short = text.replace("*", "").replace("?", "q")
        values = [full, short, *_near(short), f"z{full}", f"{full}z", full.swapcase()]
        return FieldCondition(values=_distinct(values), test=lambda other: _like(other, text, options))
    if operator == "regexp":
        full = re.sub(r"\.[*+]", "qu", text).replace("\\", "")
        return FieldCondition(values=_distinct([full, f"z{full}", f"{full}z", full.swapcase()]), test=_matching(text))
    values = _near(text)
    if operator == "fuzzy" or "fuzziness" in options:
        values += [text[1:], text[2:] + "qq", text[:1] + "q" + text[1:]]
    return FieldCondition(values=_distinct(values), test=lambda other: _meets(operator, field, other, text, options))


def _near(text: str) -> list[str]:
    """The text, and similar texts."""
    words = text.split()
    near = [text, text.swapcase(), f"{text}s", f"{text} alpha"]
    if len(words) > 1:
        near += [words[0], words[-1], " ".join(reversed(words)), f"{words[0]} beta {' '.join(words[1:])}"]
        near += [" ".join(words[:-1]), " ".join(words[1:])]
    return [*near, f"alpha {text}", text[:-1], f"z{text}"]


def _distinct(values: Iterable[str]) -> list[Any]:
    return [value for value in dict.fromkeys(values) if value.strip()]


def _tokens(text: Any) -> list[str]:
    return re.findall(r"\w+", str(text).lower())


def _meets(operator: str, field: Field, other: Any, text: str, options: Mapping[str, Any]) -> bool:
    if not isinstance(other, str):
        return False
    if field.family != "text":
        folded = options.get("case_insensitive") in (True, "true")
        left, right = (other.lower(), text.lower()) if folded else (other, text)
        return left.startswith(right) if operator == "prefix" else left == right
    have, want = _tokens(other), _tokens(text)
    if operator in ("match_phrase", "match_phrase_prefix"):
        return any(have[start : start + len(want)] == want for start in range(len(have)))
    if operator == "prefix":
        return any(token.startswith(text.lower()) for token in have)
    every = str(options.get("operator", "or")).lower() == "and" or operator == "term"
    hits = [token in have for token in want]
    return all(hits) if every else any(hits)


def _like(other: Any, pattern: str, options: Mapping[str, Any]) -> bool:
    if options.get("case_insensitive") in (True, "true"):
        return fnmatchcase(str(other).lower(), pattern.lower())
    return fnmatchcase(str(other), pattern)


def _matching(pattern: str) -> Callable[[Any], bool]:
    try:
        compiled = re.compile(pattern)
    except re.error:
        return lambda _: False
    return lambda other: compiled.fullmatch(str(other)) is not None
