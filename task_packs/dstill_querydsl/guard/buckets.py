"""How many buckets an aggregation may make, before anything runs.

In: an aggregation's name and options, and what is known of its field's range. Out: `Buckets`:

    terms, size 50                              -> 50 in the answer, 85 while it runs
    date_histogram, fixed_interval 1h, a range of 7 days on the field   -> 169
    date_histogram, calendar_interval day, nothing known                -> its interval over `Limits.histogram_days`
    histogram, interval 5, values 0 to 900      -> 361: twice the range, since an index grows
    histogram, interval 5, nothing known        -> refused, unless min_doc_count leaves out empty buckets

A histogram fills every gap with empty buckets unless `min_doc_count` says otherwise, so that one outlier decides how
many there are. A range that hits must fulfil, hard_bounds, or the known values of the field limit it; `missing` and
extended_bounds widen it. Where nothing is known, a date histogram needs a step of a day or more: all days of the years
1 to 9999 are 3.65 million buckets, which OpenSearch refuses after 6 s; all hours did not end in a minute.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.guard.ranges import Dates, Numbers, Ranges, Reach
from dstill_querydsl.guard.walk import number, whole
from dstill_querydsl.language.dates import UNITS

__all__ = ["Buckets", "buckets_of"]

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
_TAKEN = {"rare_terms": 100, "ip_prefix": 100}
_STEPS = 99  # steps of a histogram that counts no empty buckets, over an ordinary field
_OVERSAMPLED = ("terms", "multi_terms", "significant_terms")  # a shard keeps size * 1.5 + 10 of them
_DEPTH_FIRST = 1_000  # terms that are all kept until the end, of a field of nobody knows how many
_CLUSTERS = 50  # that a variable_width_histogram keeps for each bucket
_DAY = 86400.0
_CALENDAR = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "quarter": 7776000,
    "year": 31536000, "q": 7776000, **UNITS,
}  # fmt: skip
_FIXED = re.compile(r"(\d{1,12})(ms|micros|nanos|s|m|h|H|d|D)")
_SMALL = {"ms": 1e-3, "micros": 1e-6, "nanos": 1e-9, "D": 86400}
_MOST = 1e12


@dataclass(frozen=True)
class Buckets:
    """Of one aggregation, in each bucket of the one above."""

    answered: int = 1
    kept: int = 1  # while it runs, each with what its sub-aggregations keep
    unlimited: str = ""  # the field of a histogram that no range limits


def buckets_of(name: str, options: Any, ranges: Ranges, limits: Limits) -> Buckets:
    if not isinstance(options, dict):
        return Buckets()
    if name in ("histogram", "date_histogram"):
        return _histogram(name, options, ranges, limits)
    own = _own(name, options)
    return Buckets(own, max(own, _kept(name, options, own)))


def _own(name: str, options: dict[str, Any]) -> int:
    if name in _SIZES:
        option, default = _SIZES[name]
        given = _count(options.get(option, default))
        return max(1, default if given is None else given)
    for listed in ("ranges", "filters"):
        if isinstance(options.get(listed), (list, dict)) and name != "adjacency_matrix":
            return len(options[listed]) + 1  # other_bucket
    if name == "adjacency_matrix" and isinstance(options.get("filters"), dict):
        count = len(options["filters"])
        return max(1, count * (count + 1) // 2)
    return _TAKEN.get(name, 1)


def _kept(name: str, options: dict[str, Any], own: int) -> int:
    given = _count(options.get("shard_size")) or 0
    if name == "variable_width_histogram":
        return max(given, own * _CLUSTERS)
    if name not in _OVERSAMPLED:
        return given if name in _SIZES else 0
    sampled = max(given, own + own // 2 + 10)
    return max(sampled, _DEPTH_FIRST) if _is_depth_first(options) else sampled


def _is_depth_first(options: dict[str, Any]) -> bool:
    """Whether sub-aggregations see every term before the best are chosen: asked for, or ordered by one of them."""
    orders = options.get("order")
    names = [name for order in (orders if isinstance(orders, list) else [orders]) if isinstance(order, dict)
             for name in order]  # fmt: skip
    return options.get("collect_mode") == "depth_first" or any(not name.startswith("_") for name in names)


# --- histograms -------------------------------------------------------------------------


def _histogram(name: str, options: dict[str, Any], ranges: Ranges, limits: Limits) -> Buckets:
    sparse = (whole(options.get("min_doc_count")) or 0) > 0
    missing = None if sparse else options.get("missing")  # alone in its bucket, unless the gap to it is filled
    reach: Reach
    if name == "date_histogram":
        step, reach = _interval(options), Dates(limits.histogram_days * _DAY)
        if step is None:  # engines refuse it
            return Buckets()
        usual = reach.assumed if missing is None else reach.held("now", "now", missing) or math.inf
    else:
        step, reach = number(options.get("interval", 0)), Numbers()
        if step is None:  # an engine may read more numbers than this: 1e-9d
            return Buckets(int(_MOST), int(_MOST))
        if step <= 0:  # engines refuse it
            return Buckets()
        usual = max(1.0, step) * _STEPS
    width = _width(options, ranges, reach, missing)
    known = usual if width is None else min(width, usual) if sparse else width
    count = int(min(max(known, 0.0 if sparse else _added(options, reach)) / step, _MOST)) + 1
    limited = width is not None or sparse or (name == "date_histogram" and step >= _DAY)
    return Buckets(count, count, "" if limited else str(options.get("field")))


def _width(options: dict[str, Any], ranges: Ranges, reach: Reach, missing: Any) -> float | None:
    """How far the values reach; None where nobody knows. Each range that is known is an upper bound."""
    hard, field = options.get("hard_bounds"), options.get("field")
    widths = []
    if isinstance(hard, dict):
        widths.append(reach.known(hard.get("min"), hard.get("max"), options.get("format")))
    if isinstance(field, str) and field in ranges.bounds:
        widths.append(reach.known(*ranges.bounds[field]))
    if isinstance(field, str) and field in ranges.values:
        widths.append(reach.held(*ranges.values[field], missing))
    return min((width for width in widths if width is not None), default=None)


def _added(options: dict[str, Any], reach: Reach) -> float:
    """How far empty buckets reach, at least."""
    extended = options.get("extended_bounds")
    if not isinstance(extended, dict):
        return 0.0
    return reach.added(extended.get("min"), extended.get("max"), options.get("format"))


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


def _count(value: Any) -> int | None:
    found = whole(value)
    return None if found is None else min(found, int(_MOST))
