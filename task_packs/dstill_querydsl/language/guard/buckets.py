"""Estimates how many buckets an aggregation may make, before anything runs.

In: the name and options of an aggregation, and the known range of its field. Out: `Buckets`:

    terms, size 50                              -> 50 in the response, 85 while it runs
    date_histogram, fixed_interval 1h, hard_bounds of 7 days            -> 169
    date_histogram, calendar_interval day, range unknown                -> `Limits.histogram_days` by the interval
    histogram, interval 5, values 0 to 900      -> 361: twice the range, since an index grows
    histogram, interval 5, range unknown        -> refused, unless min_doc_count skips empty buckets, or the engine is
                                                   Elasticsearch, which stops by itself: 100, and `Buckets.gaps`

A histogram fills every gap with empty buckets unless `min_doc_count` is 1 or more, so a single outlier decides how
many buckets there are. Only hard_bounds or the known values of the field limit them. A range query does not: a
document that matches it with one value may have another value far away. `missing` and extended_bounds widen the
range. If the range is unknown, a date histogram needs steps of a day or more: all days of the years 1 to 9999 are
3.65 million buckets, which OpenSearch refuses after 6 s; all hours did not end in a minute.

Elasticsearch counts the gaps before it fills them, and answers 400 if there would be more than `MAX_BUCKETS` buckets in
the whole response. So a histogram over an unknown range counts there as over the range of the hits, or a typical one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language.dates import UNITS
from dstill_querydsl.language.guard.limits import MAX_BUCKETS, Limits
from dstill_querydsl.language.guard.ranges import Dates, Numbers, Ranges, Widths
from dstill_querydsl.language.guard.walk import number, whole

__all__ = ["Buckets", "buckets_of"]

# The option that sets the number of buckets, and the engines' default.
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
# Aggregations without such an option: the buckets that a typical field makes. An engine keeps all that it finds.
_TYPICAL = {"rare_terms": 100, "ip_prefix": 100}
_CELLS = {"geohash_grid": 32, "geotile_grid": 4}  # cells of one precision in a cell of the one before; all are kept
_STEPS = 99  # steps of a histogram without empty buckets, on a typical field
_OVERSAMPLED = ("terms", "multi_terms", "significant_terms")  # a shard keeps size * 1.5 + 10 of them
_DEPTH_FIRST = 1_000  # the terms of a typical field, if all are kept until the end
_CLUSTERS = 50  # clusters that a variable_width_histogram keeps for each bucket
_DAY = 86400.0
# The shortest of each: a month may have 28 days.
_CALENDAR = UNITS | {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2419200, "M": 2419200,
    "quarter": 7776000, "q": 7776000, "year": 31536000,
}  # fmt: skip
_FIXED = re.compile(r"(\d{1,12})(ms|micros|nanos|s|m|h|H|d|D)", re.ASCII)
_SMALL = {"ms": 1e-3, "micros": 1e-6, "nanos": 1e-9, "D": 86400}
_MAX = 1e12


@dataclass(frozen=True)
class Buckets:
    """The number of buckets of one aggregation in each bucket of its parent."""

    answered: int = 1  # in the response
    kept: int = 1  # while it runs, each with its sub-aggregations
    unlimited: str = ""  # the field of a histogram whose range is unknown
    assumed: str = ""  # the same for steps of a day or more, whose range is assumed
    gaps: int = 0  # empty buckets that the engine may add to the response before it stops; 0: it may never stop
    most: int = 0  # kept if the field has many values; 0: `kept`
    only: tuple[str, ...] | None = (
        None  # paths of the sub-aggregations that `most` applies to, as in ``order``; None: all
    )

    def most_of(self, name: str) -> int:
        """The most instances of the sub-aggregation `name` that an engine may keep."""
        applies = self.only is None or any(path.startswith(name) for path in self.only)
        return max(self.most, self.kept) if applies else self.kept


def buckets_of(name: str, options: Any, ranges: Ranges, limits: Limits) -> Buckets:
    """The buckets that the aggregation `name` with these options may make."""
    if not isinstance(options, dict):
        return Buckets()
    if name in ("histogram", "date_histogram"):
        return _histogram(name, options, ranges, limits)
    own = _own(name, options)
    kept = max(own, _kept(name, options, own))
    if name in _TYPICAL:
        return Buckets(own, kept, most=limits.buckets)
    if name in _CELLS:
        cells = _cells(name, options)
        return Buckets(min(own, cells), min(kept, cells), most=min(cells, limits.buckets))
    if name in _OVERSAMPLED and _is_depth_first(options):
        depth_first = options.get("collect_mode") == "depth_first"
        return Buckets(own, kept, most=limits.buckets, only=None if depth_first else tuple(_orders(options)))
    return Buckets(own, kept)


def _own(name: str, options: dict[str, Any]) -> int:
    if name in _SIZES:
        option, default = _SIZES[name]
        size = _count(options.get(option, default))
        return max(1, default if size is None else size)
    for listed in ("ranges", "filters"):
        if isinstance(options.get(listed), (list, dict)) and name != "adjacency_matrix":
            return len(options[listed]) + 1  # and other_bucket
    if name == "adjacency_matrix" and isinstance(options.get("filters"), dict):
        count = len(options["filters"])
        return max(1, count * (count + 1) // 2)
    return _TYPICAL.get(name, 1)


def _kept(name: str, options: dict[str, Any], own: int) -> int:
    shard_size = _count(options.get("shard_size")) or 0
    if name == "variable_width_histogram":
        return max(shard_size, own * _CLUSTERS)
    if name not in _OVERSAMPLED:
        return shard_size if name in _SIZES else 0
    sampled = max(shard_size, own + own // 2 + 10)
    return max(sampled, _DEPTH_FIRST) if _is_depth_first(options) else sampled


def _is_depth_first(options: dict[str, Any]) -> bool:
    """Whether sub-aggregations run on every term before the best are chosen: by option, or to order the terms."""
    return options.get("collect_mode") == "depth_first" or bool(_orders(options))


def _orders(options: dict[str, Any]) -> list[str]:
    """Paths to the sub-aggregations that terms are ordered by: ``p.50``."""
    orders = options.get("order")
    listed = orders if isinstance(orders, list) else [orders]
    names = [name for order in listed if isinstance(order, dict) for name in order]
    return [name for name in names if name not in ("_key", "_count", "_term")]


def _cells(name: str, options: dict[str, Any]) -> int:
    precision = whole(options.get("precision"))
    return int(_MAX) if precision is None or precision > 20 else int(_CELLS[name] ** precision)


# --- histograms -------------------------------------------------------------------------


def _histogram(name: str, options: dict[str, Any], ranges: Ranges, limits: Limits) -> Buckets:
    sparse = (whole(options.get("min_doc_count")) or 0) > 0
    missing = None if sparse else options.get("missing")  # adds a single bucket, unless the gap to it is filled
    widths: Widths
    if name == "date_histogram":
        step, widths = _interval(options), Dates(limits.histogram_days * _DAY)
        if step is None:  # engines refuse it
            return Buckets()
        typical = widths.assumed if missing is None else widths.for_values("now", "now", missing) or math.inf
    else:
        step, widths = number(options.get("interval", 0)), Numbers()
        if step is None:  # an engine may still read it as a number: 1e-9d
            return Buckets(int(_MAX), int(_MAX))
        if step <= 0:  # engines refuse it
            return Buckets()
        typical = max(1.0, step, _distance(missing) / _STEPS) * _STEPS
    width = _width(options, ranges, widths, missing)
    hits = _hits(options, ranges, widths)
    extended = 0.0 if sparse else _extended(options, widths)
    if sparse and name == "histogram":
        width = _least(width, hits)
        count = _steps(_least(width, typical) or 0.0, step)
        return Buckets(count, count, most=limits.buckets if width is None else _steps(width, step))
    if sparse or width is None:
        expected = _least(width, hits, typical) or 0.0 if sparse or ranges.gaps_stop else typical
    else:
        expected = width
    count = _steps(max(expected, extended), step)
    if width is not None or sparse:
        return Buckets(count, count)
    field = str(options.get("field"))
    if name == "date_histogram" and step >= _DAY:
        return Buckets(count, count, assumed=field)
    gaps = MAX_BUCKETS if ranges.gaps_stop else 0
    return Buckets(count, count, field, gaps=gaps, most=max(count, limits.buckets))


def _steps(width: float, step: float) -> int:
    return math.ceil(min(width / step, _MAX)) + 1


def _distance(missing: Any) -> float:
    """How far the value for documents without one is from zero."""
    if missing is None:
        return 0.0
    value = number(missing)
    return math.inf if value is None else abs(value)


def _least(*widths: float | None) -> float | None:
    return min((width for width in widths if width is not None), default=None)


def _width(options: dict[str, Any], ranges: Ranges, widths: Widths, missing: Any) -> float | None:
    """The width that the buckets cover, or None if it is unknown. Each known range is an upper bound."""
    hard, field = options.get("hard_bounds"), options.get("field")
    width = None
    if isinstance(hard, dict):
        width = widths.for_bounds(hard.get("min"), hard.get("max"), options.get("format"))
    for known, grows in ((ranges.values, True), (ranges.live, False)):
        if isinstance(field, str) and field in known:
            width = _least(width, widths.for_values(*known[field], missing, grows=grows))
    return width


def _hits(options: dict[str, Any], ranges: Ranges, widths: Widths) -> float | None:
    """The width of the ``range`` queries on the field, or None without one.

    A value of a hit may be outside: it adds one bucket, and all of the gap to it unless `min_doc_count` skips gaps.
    """
    field = options.get("field")
    return widths.for_bounds(*ranges.bounds[field]) if isinstance(field, str) and field in ranges.bounds else None


def _extended(options: dict[str, Any], widths: Widths) -> float:
    """The width that ``extended_bounds`` fills with empty buckets."""
    extended = options.get("extended_bounds")
    if not isinstance(extended, dict):
        return 0.0
    return widths.extended(extended.get("min"), extended.get("max"), options.get("format"))


def _interval(options: dict[str, Any]) -> float | None:
    """The step of a date histogram in seconds, or None without one. A step that cannot be read counts as 1 ms."""
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
    count = whole(value)
    return None if count is None else min(count, int(_MAX))
