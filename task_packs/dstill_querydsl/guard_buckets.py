"""How many buckets an aggregation may make, before anything runs.

In: an aggregation's name and options, and the ranges that the body puts on its fields.
Out: its own number of buckets, and what is wrong with it:

    terms, size 50                              -> 50
    date_histogram, fixed_interval 1h, a range of 7 days on the field   -> 169
    date_histogram without any range            -> its interval over `Limits.histogram_days`
    histogram, interval 5 without any range     -> 100, as of an ordinary field; below 1 a span of 99: 0.1 -> 991

Only a range that hits must fulfil, or hard_bounds, says how far a histogram reaches; extended_bounds add to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from dstill_querydsl.dates import UNITS, seconds
from dstill_querydsl.guard_limits import Limits
from dstill_querydsl.guard_walk import number

__all__ = ["Ranges", "bucket_problem"]

# Sizes where the option is left out, as the engines have them; 1 is a single bucket.
_SIZES = {
    "terms": ("size", 10),
    "multi_terms": ("size", 10),
    "significant_terms": ("size", 10),
    "composite": ("size", 10),
    "geohash_grid": ("size", 10_000),
    "geotile_grid": ("size", 10_000),
    "auto_date_histogram": ("buckets", 10),
    "variable_width_histogram": ("buckets", 10),
}
# Not given by an option: taken for as many as an ordinary field gives.
_TAKEN = {"rare_terms": 100, "ip_prefix": 100, "histogram": 100}
_CALENDAR = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "quarter": 7776000,
    "year": 31536000, "q": 7776000, **UNITS,
}  # fmt: skip
_FIXED = re.compile(r"(\d{1,12})(ms|micros|nanos|s|m|h|H|d|D)")
_SMALL = {"ms": 1e-3, "micros": 1e-6, "nanos": 1e-9, "D": 86400}
_NOW = 1_700_000_000.0  # any moment: only differences count


@dataclass(frozen=True)
class Ranges:
    """The lowest and highest bound of each field, from every ``range`` query that must hold."""

    bounds: Mapping[str, tuple[Any, Any]]

    @classmethod
    def of(cls, body: dict[str, Any]) -> Ranges:
        bounds: dict[str, tuple[Any, Any]] = {}
        _collect(body.get("query"), bounds)
        return cls(bounds)


def _collect(query: Any, bounds: dict[str, tuple[Any, Any]]) -> None:
    """Ranges that every hit fulfils: at the top, in must and filter, not in should or must_not."""
    if isinstance(query, list):
        for item in query:
            _collect(item, bounds)
    elif isinstance(query, dict):
        for name, options in query.items():
            if name == "range" and isinstance(options, dict):
                for field, limits in options.items():
                    if isinstance(limits, dict):
                        _tighten(field, limits, bounds)
            elif name in ("bool", "constant_score") and isinstance(options, dict):
                for clause in ("must", "filter"):
                    _collect(options.get(clause), bounds)


def _tighten(field: str, limits: dict[str, Any], bounds: dict[str, tuple[Any, Any]]) -> None:
    low, high = bounds.get(field, (None, None))
    bounds[field] = (limits.get("gte", limits.get("gt", low)), limits.get("lte", limits.get("lt", high)))


def bucket_problem(name: str, options: Any, ranges: Ranges, limits: Limits, above: int) -> tuple[int, str]:
    """The aggregation's own buckets, and why they are too many below `above` others (or nothing)."""
    if not isinstance(options, dict):
        return 1, ""
    own = _own(name, options, ranges, limits)
    if own == 1 or own * above <= limits.buckets:
        return own, ""
    product = f"{own:,}" if above == 1 else f"{own:,} × {above:,} = {own * above:,}"
    return own, f"about {product} buckets are beyond the limit of {limits.buckets:,}"


def _own(name: str, options: dict[str, Any], ranges: Ranges, limits: Limits) -> int:
    if name in _SIZES:
        option, default = _SIZES[name]
        given = _count(options.get(option, default))
        return max(1, default if given is None else given)
    if name == "date_histogram":
        return _dates(options, ranges, limits)
    if name == "histogram":
        return _numbers(options, ranges)
    for listed in ("ranges", "filters"):
        if isinstance(options.get(listed), (list, dict)) and name != "adjacency_matrix":
            return max(1, len(options[listed]))
    if name == "adjacency_matrix" and isinstance(options.get("filters"), dict):
        count = len(options["filters"])
        return max(1, count * (count + 1) // 2)
    return _TAKEN.get(name, 1)


def _dates(options: dict[str, Any], ranges: Ranges, limits: Limits) -> int:
    step = _interval(options)
    return 1 if step is None else _reach(options, ranges, step, limits.histogram_days * 86400.0, _span)


def _reach(
    options: dict[str, Any], ranges: Ranges, step: float, assumed: float, span: Callable[[Any, Any], float | None]
) -> int:
    """Buckets over the widest range that is known, or over what is `assumed` where none is."""
    known = [width for pair in _bounds(options, ranges) if (width := span(*pair)) is not None]
    extended = options.get("extended_bounds")
    added = span(extended.get("min"), extended.get("max")) if isinstance(extended, dict) else None
    return int(min(max(*(known or [assumed]), added or 0.0) / step, 1e12)) + 1


def _bounds(options: dict[str, Any], ranges: Ranges) -> list[tuple[Any, Any]]:
    hard, field = options.get("hard_bounds"), options.get("field")
    pairs = [(hard.get("min"), hard.get("max"))] if isinstance(hard, dict) else []
    if isinstance(field, str) and field in ranges.bounds:
        pairs.append(ranges.bounds[field])
    return pairs


def _span(low: Any, high: Any) -> float | None:
    start, end = seconds(low, _NOW), seconds("now" if high is None else high, _NOW)
    return None if start is None or end is None else max(0.0, end - start)


def _interval(options: dict[str, Any]) -> float | None:
    """A date histogram's step in seconds; one that cannot be read is taken for the shortest, none for no step."""
    for name in ("fixed_interval", "calendar_interval", "interval"):
        value = options.get(name)
        if isinstance(value, str):
            unit = value.removeprefix("1") if value.removeprefix("1") in _CALENDAR else value
            if unit in _CALENDAR:
                return float(_CALENDAR[unit])
            if match := _FIXED.fullmatch(value):
                return max(int(match[1]), 1) * float(_SMALL.get(match[2], _CALENDAR.get(match[2], 1)))
        if value is not None:
            return 1e-3
    return None


def _numbers(options: dict[str, Any], ranges: Ranges) -> int:
    step = number(options.get("interval"))
    if not step or step <= 0:  # engines refuse it
        return _TAKEN["histogram"]
    return _reach(options, ranges, step, max(1.0, step) * (_TAKEN["histogram"] - 1), _difference)


def _difference(low: Any, high: Any) -> float | None:
    start, end = number(low), number(high)
    return None if start is None or end is None else max(0.0, end - start)


def _count(value: Any) -> int | None:
    found = number(value)
    return None if found is None or found < 0 else int(found)
