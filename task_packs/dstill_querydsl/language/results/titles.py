"""Titles for people in the aggregations of a result, and the share of documents that a filter finds.

    titled({"a0": {"buckets": […]}}, {"a0": {"terms": {"field": "carrier"}}}, None)   → {"carrier": {"buckets": […]}}

A student numbers its aggregations (``a0``): these get the field as title. Names that say more stay.
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
    "min": "least",
    "max": "most",
    "cardinality": "different",
    "value_count": "count of",
    "percentiles": "percentiles of",
    "stats": "statistics of",
    "extended_stats": "statistics of",
    "median_absolute_deviation": "median absolute deviation of",
}
_FILTER = "filter"

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
    field = options.get("field")
    return " ".join(filter(None, (_WORDS.get(kind), field))) if isinstance(field, str) else name


def _inside(body: Any, request: Any, around: int | None) -> Any:
    if not isinstance(body, Mapping):
        return body
    below = _below(request)
    if isinstance(buckets := body.get("buckets"), list):
        return {**body, "buckets": [_bucket(bucket, below) for bucket in buckets]}
    if isinstance(buckets, Mapping):
        return {**body, "buckets": {key: _bucket(bucket, below) for key, bucket in buckets.items()}}
    bucket = _bucket(body, below)
    if _kind(request)[0] == _FILTER and around and "share" not in bucket:
        bucket["share"] = {"value": None, "value_as_string": f"{100 * body.get('doc_count', 0) / around:.1f} %"}
    return bucket


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
