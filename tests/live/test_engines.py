"""One client, five engines: the same questions of the same documents get the same answers."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.records import OutcomeKind
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.freeze import freeze
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.language.results import compare

pytestmark = pytest.mark.live

INDEX = f"dstill-toy-{secrets.token_hex(4)}"  # other workers may have theirs on the same node
NOW = "2025-03-27T12:00:00Z"
MAPPING: dict[str, Any] = {
    "_meta": {"now": NOW},
    "properties": {
        "at": {"type": "date"},
        "day": {"type": "date", "format": "dd.MM.yyyy"},
        "level": {"type": "keyword"},
        "message": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "bytes": {"type": "long"},
        "seconds": {"type": "double"},
        "ok": {"type": "boolean"},
        "client": {"type": "ip"},
        "place": {"type": "geo_point"},
        "owner": {"properties": {"name": {"type": "keyword"}, "age": {"type": "integer"}}},
        "steps": {"type": "nested", "properties": {"name": {"type": "keyword"}, "ms": {"type": "integer"}}},
    },
}
WORDS = ("disk full on node", "connection reset by peer", "request timed out", "node left the cluster", "all is well")


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for n in range(40):
        yield (
            f"d{n:02}",
            {
                "at": f"2025-03-{1 + n % 27:02}T{n % 24:02}:30:00Z",
                "day": f"{1 + n % 27:02}.03.2025",
                "level": ("error", "warn", "info", "info")[n % 4],
                "message": f"{WORDS[n % 5]} {n % 7}",
                **({"bytes": n * n} if n % 6 else {}),
                "seconds": n / 7,
                "ok": n % 3 == 0,
                "client": f"192.0.2.{n}",
                "place": {"lat": 40 + n / 10, "lon": -70 - n / 10},
                "owner": {"name": "abc"[n % 3], "age": 20 + n},
                "steps": [{"name": "read", "ms": n}, {"name": "write", "ms": 40 - n}],
            },
        )


QUERIES: dict[str, dict[str, Any]] = {
    "term": {"query": {"term": {"level": "error"}}},
    "terms, 25 of them": {"query": {"terms": {"level": ["warn", "info"]}}, "size": 25},
    "match": {"query": {"match": {"message": "node"}}},
    "match, and": {"query": {"match": {"message": {"query": "node left", "operator": "and"}}}},
    "phrase": {"query": {"match_phrase": {"message": "timed out"}}},
    "prefix": {"query": {"prefix": {"message.raw": "disk"}}},
    "wildcard": {"query": {"wildcard": {"message.raw": "*peer*"}}},
    "range": {"query": {"range": {"bytes": {"gt": 100, "lte": 400}}}, "sort": [{"bytes": "desc"}], "size": 3},
    "exists": {"query": {"bool": {"must_not": {"exists": {"field": "bytes"}}}}},
    "bool": {"query": {"bool": {"filter": [{"term": {"ok": True}}], "must_not": [{"term": {"level": "info"}}]}}},
    "now": {"query": {"range": {"at": {"gte": "now-7d/d", "lt": "now/d"}}}, "sort": [{"at": "asc"}]},
    "now, own format": {"query": {"range": {"day": {"gt": "now-7d/d", "lte": "20.03.2025||+1M"}}}},
    "now, format in the clause": {
        "query": {"range": {"at": {"gte": "now-1M/M", "lte": "05/03/2025", "format": "dd/MM/yyyy"}}}
    },
    "ip range": {"query": {"range": {"client": {"gte": "192.0.2.9", "lt": "192.0.2.20"}}}, "size": 40},
    "ip ranges": {"size": 0, "aggs": {"a": {"ip_range": {"field": "client", "ranges": [{"to": "192.0.2.20"}]}}}},
    "ip terms": {"size": 0, "aggs": {"a": {"terms": {"field": "client", "size": 100}}}},
    "by boolean": {
        "query": {"match_all": {}},
        "sort": [{"ok": "desc"}, {"bytes": {"order": "asc", "missing": "_first"}}],
    },
    "by distance": {
        "query": {"match_all": {}},
        "sort": [{"_geo_distance": {"place": [-71, 41], "unit": "km"}}],
        "size": 5,
    },
    "by nested": {
        "query": {"match_all": {}},
        "sort": [{"steps.ms": {"order": "asc", "mode": "max", "nested": {"path": "steps"}}}, {"owner.age": "asc"}],
        "size": 7,
    },
    "after": {"query": {"match_all": {}}, "sort": [{"owner.age": "asc"}], "search_after": [33], "size": 4},
    "collapse": {"query": {"match_all": {}}, "collapse": {"field": "level"}, "sort": [{"owner.age": "asc"}]},
    "ip": {"query": {"term": {"client": "192.0.2.0/28"}}},
    "distance": {"query": {"geo_distance": {"distance": "100km", "place": {"lat": 41, "lon": -71}}}},
    "nested": {
        "query": {
            "nested": {
                "path": "steps",
                "query": {"bool": {"must": [{"term": {"steps.name": "write"}}, {"range": {"steps.ms": {"lt": 9}}}]}},
            }
        }
    },
    "page 2": {"query": {"match_all": {}}, "sort": [{"owner.age": "desc"}], "from": 10, "size": 10},
    "cut in a tie": {"query": {"match_all": {}}, "sort": [{"level": "asc"}], "size": 4},
    "fields": {"query": {"term": {"level": "warn"}}, "_source": ["owner.name", "bytes"], "size": 40},
    "count": {"query": {"term": {"level": "info"}}, "size": 0, "track_total_hits": True},
    "nothing": {"query": {"term": {"level": "fatal"}}},
    "average": {"size": 0, "aggs": {"a": {"avg": {"field": "bytes"}}, "b": {"max": {"field": "seconds"}}}},
    "stats": {"size": 0, "aggs": {"a": {"stats": {"field": "seconds"}}}},
    "distinct": {"size": 0, "aggs": {"a": {"cardinality": {"field": "message.raw"}}}},
    "by level": {"size": 0, "aggs": {"a": {"terms": {"field": "level"}, "aggs": {"b": {"sum": {"field": "bytes"}}}}}},
    "by week": {"size": 0, "aggs": {"a": {"date_histogram": {"field": "at", "calendar_interval": "week"}}}},
    "histogram": {"size": 0, "aggs": {"a": {"histogram": {"field": "bytes", "interval": 250}}}},
    "ranges": {"size": 0, "aggs": {"a": {"range": {"field": "bytes", "ranges": [{"to": 100}, {"from": 100}]}}}},
    "date ranges": {"size": 0, "aggs": {"a": {"date_range": {"field": "at", "ranges": [{"from": "now-10d/d"}]}}}},
    "filters": {"size": 0, "aggs": {"a": {"filters": {"filters": {"bad": {"term": {"level": "error"}}}}}}},
    "nested sum": {
        "size": 0,
        "aggs": {"a": {"nested": {"path": "steps"}, "aggs": {"b": {"terms": {"field": "steps.name"}}}}},
    },
    "composite": {
        "size": 0,
        "aggs": {"a": {"composite": {"size": 20, "sources": [{"z": {"terms": {"field": "level"}}},
                                                             {"b": {"terms": {"field": "ok"}}}]}}},
    },
    "top hits": {
        "size": 0,
        "aggs": {"a": {"terms": {"field": "level"}, "aggs": {"b": {"top_hits": {"size": 1, "sort": ["seconds"]}}}}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(engines: dict[str, HttpEngine], url_of: Callable[[str], str]) -> Iterator[dict[str, HttpEngine]]:
    """The embedded engine, the newest of each product that runs here, and the release before it."""
    with contextlib.ExitStack() as opened:
        older = {
            name: opened.enter_context(HttpEngine(Engine(url=url_of(name)), writable=True))
            for name in ("elasticsearch8", "opensearch2")
        }
        every = {**engines, **older}
        for engine in every.values():
            assert engine.index(INDEX, MAPPING, documents()) == 40
        yield every


def test_client_reads_product_and_version(loaded: dict[str, HttpEngine]) -> None:
    said = {name: engine.capabilities for name, engine in loaded.items()}
    print({name: str(one) for name, one in said.items()})
    products = ["osmem-server", "Elasticsearch", "OpenSearch", "Elasticsearch", "OpenSearch"]
    assert [one.product for one in said.values()] == products
    assert all(one.tested for one in said.values())
    assert [name for name, one in said.items() if one.embedded] == ["embedded"]
    assert said["elasticsearch8"].dialect == "elasticsearch8"
    assert said["opensearch2"].dialect == "opensearch2"
    assert not said["elasticsearch8"].own  # the client is of major 9: plain JSON is spoken


def test_mapping_survives_round_trip(loaded: dict[str, HttpEngine]) -> None:
    for engine in loaded.values():
        mapping = engine.mapping(INDEX)
        assert mapping["_meta"]["now"] == NOW
        assert mapping["_meta"]["dstill"] == {"index": INDEX}
        assert mapping["properties"].keys() == MAPPING["properties"].keys()
        assert engine.count(INDEX) == 40


@pytest.mark.parametrize("name", QUERIES)
def test_engines_agree(loaded: dict[str, HttpEngine], name: str) -> None:
    body = freeze(QUERIES[name], NOW, MAPPING)
    values = {}
    for engine_name, engine in loaded.items():
        outcome = observe(lambda one, engine=engine: engine.search(INDEX, one), body)
        assert outcome.kind is OutcomeKind.OK, (engine_name, outcome.reason)
        values[engine_name] = json.loads(json.dumps(outcome.value))
    for engine_name, value in values.items():
        assert compare.same(value, values["elasticsearch"], relevance="set"), engine_name
        assert compare.is_trivial(value, 40) is (name == "nothing")
        assert compare.is_nondeterministic(value) is (name in ("cut in a tie", "terms, 25 of them"))


BROKEN: dict[str, dict[str, Any]] = {
    "no such query": {"query": {"mach": {"message": "node"}}},
    "no such key": {"querry": {"match_all": {}}},
    "aggregation on text": {"aggs": {"a": {"terms": {"field": "message"}}}},
    "no date": {"query": {"range": {"at": {"gte": "yesterday"}}}},
    "not nested": {"query": {"nested": {"path": "owner", "query": {"match_all": {}}}}},
}


@pytest.mark.parametrize("name", BROKEN)
def test_engines_refuse_same_bodies(loaded: dict[str, HttpEngine], name: str) -> None:
    for engine in loaded.values():
        outcome = engine.search(INDEX, BROKEN[name])
        assert outcome.kind is OutcomeKind.INVALID
        assert outcome.reason.startswith("400 ")
