"""Titles for people in the aggregations of a result, and the share of documents that a filter finds.

    titled({"a0": {"buckets": […]}}, {"a0": {"terms": {"field": "carrier"}}}, None)   → {"carrier": {"buckets": […]}}

A student numbers its aggregations (``a0``): these get the field as title, or the period of a histogram of dates. Names
that say more stay. The aggregations of a histogram also get their ``period``, and a share is marked as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["titled"]

_NUMBERED = re.compile(r"a\d+")
_WORDS = {
    "avg": "average",
    "sum": "sum of",
    "min": "lowest",
    "max": "highest",
    "cardinality": "different",
    "value_count": "count of",
    "percentiles": "percentiles of",
    "stats": "statistics of",
    "extended_stats": "statistics of",
    "median_absolute_deviation": "median absolute deviation of",
}
_FILTER = "filter"
_INTERVALS = {"1y": "year", "1M": "month", "1d": "day", "1h": "hour", "24h": "day"}
_PERIODS = ("year", "quarter", "month", "week", "day", "hour")

Value = Mapping[str, Any]


def titled(value: Value, requests: Any, around: int | None) -> dict[str, Any]:
    """The aggregations `value` by title. `requests`: their requests; `around`: documents around them, if known."""
    result: dict[str, Any] = {}
    for name, body in value.items():
        request = requests.get(name) if isinstance(requests, Mapping) else None
        title = _title(name, request)
        result[name if title in result or title in value else title] = _inside(body, request, around)
    return result


def _title(name: str, request: Any) -> str:
    kind, options = _kind(request)
    if not _NUMBERED.fullmatch(name):
        return name
    if kind == _FILTER:
        return "matching"
    if period := _period(kind, options):
        return period
    field = options.get("field")
    return " ".join(filter(None, (_WORDS.get(kind), field))) if isinstance(field, str) else name


def _inside(body: Any, request: Any, around: int | None) -> Any:
    if not isinstance(body, Mapping):
        return body
    below = _below(request)
    if period := _period(*_kind(request)):
        body = {**body, "period": period}
    if isinstance(buckets := body.get("buckets"), list):
        return {**body, "buckets": [_bucket(bucket, below) for bucket in buckets]}
    if isinstance(buckets, Mapping):
        return {**body, "buckets": {key: _bucket(bucket, below) for key, bucket in buckets.items()}}
    bucket = _bucket(body, below)
    if _kind(request)[0] == _FILTER and around and "share" not in bucket:
        bucket["share"] = {"value": 100 * body.get("doc_count", 0) / around, "is_share": True}
    return bucket


def _period(kind: str, options: Value) -> str:
    """The period of each bucket of a histogram of dates; empty: another step, or another aggregation."""
    step = options.get("calendar_interval") or options.get("fixed_interval") or options.get("interval")
    period = _INTERVALS.get(step, step) if kind == "date_histogram" and isinstance(step, str) else ""
    return period if period in _PERIODS else ""


def _bucket(bucket: Any, below: Value) -> Any:
    if not isinstance(bucket, Mapping):
        return bucket
    inner = {name: body for name, body in bucket.items() if name in below}
    own = {name: body for name, body in bucket.items() if name not in below}
    return {**own, **titled(inner, below, own.get("doc_count"))}


def _below(request: Any) -> Value:
    aggs = (request.get("aggs") or request.get("aggregations")) if isinstance(request, Mapping) else None
    return aggs if isinstance(aggs, Mapping) else {}


def _kind(request: Any) -> tuple[str, Value]:
    """``("terms", {"field": "carrier"})``."""
    for kind, options in request.items() if isinstance(request, Mapping) else ():
        if kind not in ("aggs", "aggregations", "meta"):
            return kind, options if isinstance(options, Mapping) else {}
    return "", {}
