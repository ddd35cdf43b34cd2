"""Compare results of aggregations by structure and values. Names do not count.

    {"per_day": {"buckets": [{"key": 0, "doc_count": 3, "bytes": {"value": 7.5}}]}}
    → [AggregationNode(kind="date_histogram", buckets=[Bucket(key=0, value={"doc_count": 3}, inner=[…])])]

Buckets are compared as a list if the gold asks for an order, else as a set. Floats agree within a relative
error of 1e-9, approximate metrics (cardinality, percentiles) within 1e-2, since engines promise no more beyond a few
thousand values. Formatted copies (``key_as_string``) and error estimates do not count.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Mapping,  # isinstance with typing's Mapping is ten times slower
    Sequence,
)
from dataclasses import dataclass
from math import isclose
from typing import Any, TypeVar

from dstill_querydsl.engines.bodies import aggregations_of

__all__ = ["APPROXIMATE_TOLERANCE", "EXACT_TOLERANCE", "is_empty", "same"]

EXACT_TOLERANCE = 1e-9
APPROXIMATE_TOLERANCE = 1e-2
_APPROXIMATE_KINDS = ("cardinality", "percentiles", "percentile_ranks", "median_absolute_deviation", "boxplot")
_NO_OUTPUT = ("bucket_sort", "bucket_selector")
_IGNORED = ("meta", "doc_count_error_upper_bound", "sum_other_doc_count", "interval", "after_key", "bg_count", "score")
_ZERO_WITHOUT_DOCUMENTS = ("value_count", "cardinality", "sum")
_NAMED_BY_USER = ("filters", "adjacency_matrix")
_BY_BOUNDS = ("range", "date_range", "ip_range", "geo_distance")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket of an aggregation's result."""

    key: Any
    value: Mapping[str, Any]
    inner: Sequence[AggregationNode]


@dataclass(frozen=True, kw_only=True)
class AggregationNode:
    """The result of one aggregation, without its name."""

    kind: str
    value: Any  # without the aggregations inside it
    inner: Sequence[AggregationNode] = ()  # aggregations inside a single bucket
    buckets: Sequence[Bucket] | None = None
    ordered: bool = False  # the request sets the order of buckets


def same(got: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    """Whether two values of `engines.result_extraction` have the same aggregations. `want` is the gold's."""
    return _match(_nodes_of(got), _nodes_of(want), _same_node)


def is_empty(want: Mapping[str, Any]) -> bool:
    """Whether the aggregations found nothing: no bucket with documents, and no value."""
    if any(_filled(reply) for reply in (want["aggregations"] or {}).values()):
        return False  # a shortcut for most grouping golds, which can have thousands of buckets
    return all(_is_empty(node) for node in _nodes_of(want))


def _filled(reply: Any) -> bool:
    raw = reply.get("buckets") if isinstance(reply, Mapping) else None
    buckets = raw.values() if isinstance(raw, Mapping) else raw or ()
    return any(bucket.get("doc_count") for bucket in buckets)


# --- reading ----------------------------------------------------------------------------


def _nodes_of(value: Mapping[str, Any]) -> list[AggregationNode]:
    return _nodes(aggregations_of(value["body"]), value["aggregations"] or {})


def _nodes(request: Mapping[str, Any], reply: Mapping[str, Any]) -> list[AggregationNode]:
    nodes = []
    for name, agg in request.items():
        kind = next((key for key in agg if key not in ("aggs", "aggregations", "meta")), "")
        if kind not in _NO_OUTPUT:
            nodes.append(_node(kind, agg, reply.get(name)))
    return nodes


def _node(kind: str, request: Mapping[str, Any], reply: Any) -> AggregationNode:
    inner = aggregations_of(request)
    if not isinstance(reply, Mapping):
        return AggregationNode(kind=kind, value=reply)
    if kind == "top_hits":
        return AggregationNode(kind=kind, value=[hit.get("_id") for hit in reply["hits"]["hits"]])
    if "buckets" in reply:
        raw = reply["buckets"]
        listed = list(raw.items()) if isinstance(raw, Mapping) else [(None, bucket) for bucket in raw]
        buckets = [_bucket(kind, request[kind], inner, name, bucket) for name, bucket in listed]
        return AggregationNode(kind=kind, value=None, buckets=buckets, ordered=_asks_order(request[kind], inner))
    return AggregationNode(kind=kind, value=_plain(reply, inner), inner=_nodes(inner, reply))


def _bucket(
    kind: str, request: Mapping[str, Any], inner: Mapping[str, Any], name: str | None, reply: Mapping[str, Any]
) -> Bucket:
    value = _plain(reply, inner)
    key = value.pop("key", name)
    if kind in _NAMED_BY_USER:
        key = None
    elif kind in _BY_BOUNDS:
        key = [value.pop("from", None), value.pop("to", None)]
    elif isinstance(key, Mapping):  # of a composite, whose sources are named by the user too
        sources = [source for entry in request.get("sources", ()) for source in entry]
        key = [key.get(source) for source in sources or key]
    return Bucket(key=key, value=value, inner=_nodes(inner, reply))


def _plain(reply: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """A result without the aggregations inside it and without formatted copies."""
    return {
        key: value
        for key, value in reply.items()
        if key not in inner and key not in _IGNORED and not key.endswith("_as_string")
    }


def _asks_order(request: Any, inner: Mapping[str, Any]) -> bool:
    sorts = (agg["bucket_sort"] for agg in inner.values() if isinstance(agg.get("bucket_sort"), dict))
    return "order" in request or any("sort" in sort for sort in sorts)


# --- comparing --------------------------------------------------------------------------


def _match(got: Sequence[T], want: Sequence[T], equal: Callable[[T, T], bool]) -> bool:
    """Whether two lists are equal as multisets."""
    if len(got) != len(want):
        return False
    left = list(got)
    for wanted in want:
        at = next((i for i, other in enumerate(left) if equal(other, wanted)), None)
        if at is None:
            return False
        del left[at]
    return True


def _same_node(got: AggregationNode, want: AggregationNode) -> bool:
    tolerance = APPROXIMATE_TOLERANCE if want.kind in _APPROXIMATE_KINDS else EXACT_TOLERANCE
    if (got.buckets is None) != (want.buckets is None) or not _close(got.value, want.value, tolerance):
        return False
    if got.buckets is None or want.buckets is None:
        return _match(got.inner, want.inner, _same_node)
    if want.ordered:
        pairs = zip(got.buckets, want.buckets, strict=False)
        return len(got.buckets) == len(want.buckets) and all(_same_bucket(*pair) for pair in pairs)
    return _match(got.buckets, want.buckets, _same_bucket)


def _same_bucket(got: Bucket, want: Bucket) -> bool:
    return (
        _close(got.key, want.key, EXACT_TOLERANCE)
        and _close(got.value, want.value, EXACT_TOLERANCE)
        and _match(got.inner, want.inner, _same_node)
    )


def _close(got: Any, want: Any, tolerance: float) -> bool:
    """Equal, numbers within a relative `tolerance`."""
    if isinstance(got, bool) or isinstance(want, bool):
        return got is want
    if isinstance(got, (int, float)) and isinstance(want, (int, float)):
        return got == want or isclose(got, want, rel_tol=tolerance, abs_tol=1e-12)
    if isinstance(got, Mapping) and isinstance(want, Mapping):
        return got.keys() == want.keys() and all(_close(got[key], want[key], tolerance) for key in want)
    if isinstance(got, list) and isinstance(want, list):
        pairs = zip(got, want, strict=False)
        return len(got) == len(want) and all(_close(value, other, tolerance) for value, other in pairs)
    return bool(got == want)


def _is_empty(node: AggregationNode) -> bool:
    if node.buckets is not None:
        return all(not bucket.value.get("doc_count") for bucket in node.buckets)
    if not isinstance(node.value, Mapping):
        return not node.value
    if "doc_count" in node.value:
        return not node.value["doc_count"]
    if "count" in node.value:  # of stats, whose sum is 0 without documents
        return not node.value["count"]
    return not any(_is_informative(number, node.kind) for number in _leaves(node.value))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    return [leaf for inner in value for leaf in _leaves(inner)] if isinstance(value, list) else [value]


def _is_informative(value: Any, kind: str) -> bool:
    # An average can be 0. A count or a sum of 0 means that there are no documents.
    return value not in (None, "NaN", "Infinity", "-Infinity") and not (value == 0 and kind in _ZERO_WITHOUT_DOCUMENTS)
