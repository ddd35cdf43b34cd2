"""Search bodies with known results over `conformance_docs`, with which `dstill doctor` checks an engine.

In: a reply of the engine. Out: the parts of it that the case is about, in a form that people can compare:

    CASES[0]                            Case(name="match_all", body={…}, expected={"total": 12})
    extract(reply, CASES[0].expected)   {"total": 12}

The results were computed by hand from the documents. They hold on Elasticsearch 8 and 9, OpenSearch 2 and 3 and the
embedded server, unless a case names its dialects. Not covered: order by relevance and approximate numbers, which
may differ between engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["CASES", "REFUSAL", "Case", "extract"]

REFUSAL: Mapping[str, Any] = {"refused": True}
_ELASTICSEARCH = ("elasticsearch8", "elasticsearch9")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request with a known result."""

    name: str
    body: Mapping[str, Any]
    expected: Mapping[str, Any]  # parts of the reply, in the form of `extract`
    dialects: tuple[str, ...] = ()  # dialects in which it holds; empty: all


def extract(reply: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a reply that `expected` names: ids, order, hits, total, sources, aggs."""
    hits = reply.get("hits", {}).get("hits", [])
    total = reply.get("hits", {}).get("total")
    parts = {
        "ids": " ".join(sorted(hit["_id"] for hit in hits)),
        "order": " ".join(hit["_id"] for hit in hits),
        "hits": len(hits),
        "total": total.get("value") if isinstance(total, Mapping) else total,
        "sources": [hit.get("_source") for hit in hits],
        "aggs": {name: _result(node) for name, node in reply.get("aggregations", {}).items()},
    }
    return {name: parts.get(name) for name in expected}


def _result(node: Any) -> Any:
    """The result of an aggregation: a number, or buckets as ``{key: documents}``, with their sub-aggregations."""
    if not isinstance(node, Mapping):
        return node
    buckets = node.get("buckets")
    if isinstance(buckets, Mapping):
        return {key: _bucket(bucket) for key, bucket in buckets.items()}
    if isinstance(buckets, list):
        return {_label(bucket): _bucket(bucket) for bucket in buckets}
    if "doc_count" in node:
        return _bucket(node)
    if "value" in node:
        return node["value"]
    return {key: value for key, value in node.items() if not key.endswith("_as_string")}


def _label(bucket: Mapping[str, Any]) -> str:
    key = bucket.get("key_as_string", bucket.get("key"))
    return "/".join(map(str, key.values())) if isinstance(key, Mapping) else str(key)


def _bucket(bucket: Mapping[str, Any]) -> Any:
    below = {name: _result(node) for name, node in bucket.items() if isinstance(node, Mapping) and name != "key"}
    return [bucket["doc_count"], below] if below else bucket["doc_count"]


# --- the table --------------------------------------------------------------------------


def _find(name: str, query: Mapping[str, Any], ids: str) -> Case:
    """A query and the ids of its hits, in any order."""
    return Case(name=name, body={"query": query, "size": 20}, expected={"ids": ids})


def _group(name: str, aggregation: Mapping[str, Any], answer: Any, query: Mapping[str, Any] | None = None) -> Case:
    """An aggregation named ``a`` and its result."""
    body = {"size": 0, "aggs": {"a": aggregation}} | ({"query": query} if query else {})
    return Case(name=name, body=body, expected={"aggs": {"a": answer}})


def _refuse(name: str, body: Mapping[str, Any], *dialects: str) -> Case:
    """A body that an engine must refuse."""
    return Case(name=name, body=body, expected=REFUSAL, dialects=dialects)


def _step(name: str, ms: int) -> dict[str, Any]:
    filters = [{"term": {"steps.name": name}}, {"range": {"steps.ms": {"gte": ms}}}]
    return {"nested": {"path": "steps", "query": {"bool": {"filter": filters}}}}


def _range(field: str, **bounds: Any) -> dict[str, Any]:
    return {"range": {field: bounds}}


_INFO, _WARN = {"term": {"level": "info"}}, {"term": {"level": "warn"}}
_BY_TOOK = [{"took": "asc"}]
_BERLIN = {"lat": 52.5, "lon": 13.4}

CASES: tuple[Case, ...] = (
    Case(name="match_all", body={"track_total_hits": True, "size": 0}, expected={"total": 12, "hits": 0}),
    Case(name="ten hits by default", body={"query": {"match_all": {}}}, expected={"hits": 10}),
    _find("match_none", {"match_none": {}}, ""),
    # whole values
    _find("term", {"term": {"level": "error"}}, "d01 d04 d12"),
    _find("term is case-sensitive", {"term": {"level": "ERROR"}}, ""),
    _find("term in any case", {"term": {"level": {"value": "ERROR", "case_insensitive": True}}}, "d01 d04 d06 d12"),
    _find("term in a list", {"term": {"tags": "e"}}, "d10 d11 d12"),
    _find("term on text matches no sentence", {"term": {"message": "Disk full on node one"}}, ""),
    _find("term on a sub-field", {"term": {"message.raw": "Disk full on node one"}}, "d01"),
    _find("term on an unknown field", {"term": {"no_such_field": 1}}, ""),
    _find("a number as a string", {"term": {"took": "40"}}, "d04"),
    _find("prefix", {"prefix": {"level": "e"}}, "d01 d04 d12"),
    _find("wildcard", {"wildcard": {"message.raw": "node * left*"}}, "d02 d04"),
    # words
    _find("match finds any word", {"match": {"message": "disk CLUSTER"}}, "d01 d02 d03 d04 d09 d11 d12"),
    _find(
        "match with two words of three",
        {"match": {"message": {"query": "node one cluster", "minimum_should_match": 2}}},
        "d01 d02 d04 d11 d12",
    ),
    _find("match_phrase", {"match_phrase": {"message": "node one"}}, "d01 d02 d12"),
    _find("match_phrase with slop", {"match_phrase": {"message": {"query": "disk node", "slop": 2}}}, "d01 d12"),
    _find("multi_match", {"multi_match": {"query": "query cache", "fields": ["title", "message"]}}, "d05 d06 d08"),
    _find(
        "simple_query_string",
        {"simple_query_string": {"query": "cluster -two", "fields": ["message"], "default_operator": "and"}},
        "d02 d09",
    ),
    # ranges
    _find("range with its lower bound", _range("took", gte=30, lt=50), "d03 d04"),
    _find("range with its upper bound", _range("took", gt=30, lte=50), "d04 d05"),
    _find("range over a day", _range("at", gte="2025-01-02", lt="2025-01-02||+1d"), "d04 d05"),
    _find("lte rounds a day up", _range("at", lte="2025-01-01||/d"), "d01 d02 d03"),
    _find("gt rounds a month up", _range("at", gt="2025-01-15||/M"), "d11 d12"),
    _find("range in a time zone", _range("at", gte="2025-02-01", lt="2025-02-02", time_zone="+01:00"), "d10 d11"),
    # addresses and places
    _find("term on an ip", {"term": {"client": "192.0.2.3"}}, "d03"),
    _find("a network", {"term": {"client": "198.51.100.0/24"}}, "d04 d05 d06"),
    _find("geo_distance", {"geo_distance": {"distance": "50km", "place": _BERLIN}}, "d01 d02 d08 d12"),
    _find(
        "geo_bounding_box",
        {"geo_bounding_box": {"place": {"top_left": {"lat": 50, "lon": 0}, "bottom_right": {"lat": 40, "lon": 20}}}},
        "d03 d04 d05 d06 d09 d10",
    ),
    # presence
    _find("exists", {"exists": {"field": "client"}}, "d01 d02 d03 d04 d05 d06 d07 d08 d09 d11 d12"),
    _find("missing", {"bool": {"must_not": {"exists": {"field": "took"}}}}, "d10"),
    _find("an empty list counts as missing", {"bool": {"must_not": [{"exists": {"field": "tags"}}]}}, "d07"),
    # and, or, not
    _find("filter and must_not", {"bool": {"filter": [_INFO], "must_not": [{"term": {"tags": "a"}}]}}, "d07 d11"),
    _find("should next to filter is optional", {"bool": {"filter": [_WARN], "should": [_INFO]}}, "d03 d10"),
    _find(
        "minimum_should_match",
        {"bool": {"should": [_INFO, {"term": {"ok": True}}, _range("took", gte=60)], "minimum_should_match": 2}},
        "d05 d06 d07 d08 d09 d11",
    ),
    _find("two values in one list", {"bool": {"filter": [{"term": {"tags": "a"}}, {"term": {"tags": "e"}}]}}, "d12"),
    # objects
    _find("two conditions on one nested object", _step("write", 9), "d01 d09"),
    _find("nested field without its path", {"term": {"steps.name": "read"}}, ""),
    # pages
    Case(
        name="page two",
        body={"query": _INFO, "sort": _BY_TOOK, "from": 2, "size": 2},
        expected={"order": "d07 d09", "total": 5},
    ),
    Case(
        name="sort puts missing values last",
        body={"sort": [{"took": "desc"}], "size": 12},
        expected={"order": "d12 d11 d09 d08 d07 d06 d05 d04 d03 d02 d01 d10"},
    ),
    Case(
        name="sort by two fields",
        body={"query": {"terms": {"level": ["error", "warn"]}}, "sort": ["level", {"at": "desc"}]},
        expected={"order": "d12 d04 d01 d10 d03"},
    ),
    Case(
        name="search_after",
        body={"sort": _BY_TOOK, "search_after": [80], "size": 2},
        expected={"order": "d09 d11"},
    ),
    Case(
        name="selected fields",
        body={"query": {"ids": {"values": ["d05"]}}, "_source": ["level", "owner.name"]},
        expected={"sources": [{"level": "info", "owner": {"name": "bob"}}]},
    ),
    Case(
        name="post_filter does not change aggregations",
        body={"query": _INFO, "post_filter": {"term": {"ok": True}}, "aggs": {"a": {"value_count": {"field": "ok"}}}},
        expected={"ids": "d05 d09 d11", "aggs": {"a": 5}},
    ),
    # metrics
    _group("sum", {"sum": {"field": "took"}}, 660),
    _group("avg skips missing values", {"avg": {"field": "took"}}, 60),
    _group("max of a date", {"max": {"field": "at"}}, 1739145600000),
    # buckets
    _group("terms", {"terms": {"field": "level"}}, {"info": 5, "error": 3, "warn": 2, "Error": 1, "debug": 1}),
    _group(
        "terms ordered by a sum",
        {
            "terms": {"field": "owner.name", "order": {"b": "desc"}, "size": 2},
            "aggs": {"b": {"sum": {"field": "took"}}},
        },
        {"bob": [4, {"b": 250}], "ada": [4, {"b": 220}]},
    ),
    _group("histogram", {"histogram": {"field": "took", "interval": 50}}, {"0.0": 4, "50.0": 5, "100.0": 2}),
    _group(
        "date_histogram",
        {"date_histogram": {"field": "at", "calendar_interval": "month", "format": "yyyy-MM"}},
        {"2025-01": 10, "2025-02": 2},
    ),
    _group(
        "date_histogram in a time zone",
        {
            "date_histogram": {
                "field": "at",
                "calendar_interval": "month",
                "format": "yyyy-MM",
                "time_zone": "Europe/Berlin",
            }
        },
        {"2025-01": 9, "2025-02": 3},
    ),
    _group(
        "range",
        {"range": {"field": "took", "ranges": [{"key": "low", "to": 30}, {"key": "high", "from": 30}]}},
        {"low": 2, "high": 9},
    ),
    _group(
        "date_range",
        {"date_range": {"field": "at", "ranges": [{"key": "b", "from": "2025-01-02", "to": "2025-01-06"}]}},
        {"b": 4},
    ),
    _group("filters", {"filters": {"filters": {"w": _WARN, "i": _INFO}}}, {"w": 2, "i": 5}),
    _group(
        "terms in nested objects",
        {"nested": {"path": "steps"}, "aggs": {"b": {"terms": {"field": "steps.name"}}}},
        [13, {"b": {"read": 6, "write": 4, "sync": 3}}],
    ),
    _group("global", {"global": {}}, 12, _INFO),
    _group(
        "composite",
        {
            "composite": {
                "size": 3,
                "sources": [{"l": {"terms": {"field": "level"}}}, {"o": {"terms": {"field": "ok"}}}],
            }
        },
        {"Error/True": 1, "debug/True": 1, "error/False": 2},
    ),
    Case(
        name="the largest of several sums",
        body={
            "size": 0,
            "aggs": {
                "a": {"terms": {"field": "owner.name"}, "aggs": {"b": {"sum": {"field": "took"}}}},
                "c": {"max_bucket": {"buckets_path": "a>b"}},
            },
        },
        expected={
            "aggs": {
                "a": {"ada": [4, {"b": 220}], "bob": [4, {"b": 250}], "cy": [2, {"b": 130}], "dee": [2, {"b": 60}]},
                "c": 250,
            }
        },
    ),
    # bodies that engines must refuse
    _refuse("an unknown query", {"query": {"mach": {"message": "node"}}}),
    _refuse("an unknown key", {"querry": {"match_all": {}}}),
    _refuse("terms aggregation on text", {"size": 0, "aggs": {"a": {"terms": {"field": "message"}}}}),
    _refuse("an invalid date", {"query": _range("at", gte="yesterday")}),
    _refuse("nested query on a plain object", {"query": {"nested": {"path": "owner", "query": {"match_all": {}}}}}),
    _refuse("a negative size", {"size": -5}),
    _refuse(
        "date_histogram with interval",
        {"size": 0, "aggs": {"a": {"date_histogram": {"field": "at", "interval": "day"}}}},
        *_ELASTICSEARCH,
    ),
    _refuse("range with from and to", {"query": _range("took", **{"from": 1, "to": 5})}, "elasticsearch9"),
)
