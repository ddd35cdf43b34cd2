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
from typing import Any

from dstill_querydsl.dates import UNITS
from dstill_querydsl.guard_limits import Limits
from dstill_querydsl.guard_ranges import Dates, Numbers, Ranges, Reach
from dstill_querydsl.guard_walk import number, whole

__all__ = ["bucket_problem"]

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
_MOST = 1e12


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
    step, assumed = _interval(options), limits.histogram_days * 86400.0
    return 1 if step is None else _buckets(options, ranges, step, assumed, Dates(assumed))


def _buckets(options: dict[str, Any], ranges: Ranges, step: float, assumed: float, reach: Reach) -> int:
    """Buckets over the widest range that is known, or over what is `assumed` where none is."""
    hard, extended, form = options.get("hard_bounds"), options.get("extended_bounds"), options.get("format")
    widths = [reach.known(hard.get("min"), hard.get("max"), form)] if isinstance(hard, dict) else []
    if isinstance(field := options.get("field"), str) and field in ranges.bounds:
        widths.append(reach.known(*ranges.bounds[field]))
    known = [width for width in widths if width is not None]
    added = reach.added(extended.get("min"), extended.get("max"), form) if isinstance(extended, dict) else 0.0
    return int(min(max(*(known or [assumed]), added) / step, _MOST)) + 1


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
    given = options.get("interval")
    step = number(given)
    if step is None and given is not None:  # an engine may read more numbers than this: 1e-9d
        return int(_MOST)
    if not step or step <= 0:  # engines refuse it
        return _TAKEN["histogram"]
    return _buckets(options, ranges, step, max(1.0, step) * (_TAKEN["histogram"] - 1), Numbers())


def _count(value: Any) -> int | None:
    found = whole(value)
    return None if found is None else min(found, int(_MOST))
