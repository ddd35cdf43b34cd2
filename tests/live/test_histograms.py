"""What bounds the buckets of a histogram on real nodes: `hard_bounds` does, a ``range`` query does not.

The guard counts on both (docs/guard.md): bounds limit the buckets on every engine, and Elasticsearch answers 400 before
it fills too many gaps. OpenSearch is never asked to fill such gaps here, since it would run out of memory.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from dstill_querydsl.language import guard
from dstill_querydsl.language.guard.buckets import buckets_of
from dstill_querydsl.language.guard.ranges import Ranges

pytestmark = pytest.mark.live

INDEX = "dstill-histograms"
MAPPING = {"n": {"type": "double"}, "far": {"type": "double"}, "at": {"type": "date"}, "old": {"type": "date"}}
DAYS = 3 * 365
NEAR: tuple[dict[str, Any], ...] = tuple(
    {"n": day / 2, "at": 1_672_531_200_000 + day * 86_400_000}
    for day in range(DAYS)  # from 2023-01-01 on
)
DOCUMENTS: tuple[dict[str, Any], ...] = (
    *NEAR,
    {"n": -1e12, "at": "0001-01-01", "far": [5, 1e12], "old": ["2024-01-01", "0001-01-01"]},
    {"n": 1e12, "at": "9999-12-31", "far": 7, "old": "2024-01-02"},
)
HARD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("histogram", {"field": "n", "interval": 1, "hard_bounds": {"min": 0, "max": 100}}),
    ("histogram", {"field": "n", "interval": 1, "hard_bounds": {"min": "0", "max": "100"}}),
    ("histogram", {"field": "n", "interval": 1, "hard_bounds": {"min": 0.5, "max": 100.5}}),
    ("histogram", {"field": "n", "interval": 7, "offset": 3, "hard_bounds": {"min": 1, "max": 401}}),
    ("histogram", {"field": "n", "interval": 1, "missing": 1e12, "hard_bounds": {"min": 0, "max": 100}}),
    ("histogram", {"field": "n", "interval": 1, "hard_bounds": {"min": 0, "max": 100}, "min_doc_count": 0}),
    (
        "histogram",
        {
            "field": "n",
            "interval": 1,
            "hard_bounds": {"min": 0, "max": 100},
            "extended_bounds": {"min": 0, "max": 50},
        },
    ),
    ("date_histogram", {"fixed_interval": "1h", "hard_bounds": {"min": "2024-01-01", "max": "2024-01-08"}}),
    ("date_histogram", {"fixed_interval": "1h", "hard_bounds": {"min": "2024-01-01", "max": "2024-02-20||/M"}}),
    ("date_histogram", {"fixed_interval": "1h", "hard_bounds": {"min": "2023", "max": "2024"}}),
    ("date_histogram", {"fixed_interval": "7h", "hard_bounds": {"min": "2024-01-01T05", "max": "2024-03"}}),
    ("date_histogram", {"calendar_interval": "day", "hard_bounds": {"min": "2024-01-01", "max": "2024-12-31"}}),
    ("date_histogram", {"calendar_interval": "month", "hard_bounds": {"min": "2023-01-31", "max": "2024-12-01"}}),
    (
        "date_histogram",
        {
            "calendar_interval": "day",
            "time_zone": "Asia/Tokyo",
            "hard_bounds": {"min": "2024-01-01", "max": "2024-03-31"},
        },
    ),
    (
        "date_histogram",
        {"fixed_interval": "1h", "missing": "0001-01-01", "hard_bounds": {"min": "2024-01-01", "max": "2024-01-08"}},
    ),
    ("date_histogram", {"fixed_interval": "1h", "hard_bounds": {"min": 1704067200000, "max": 1704153600000}}),
    (
        "date_histogram",
        {"fixed_interval": "1h", "format": "yyyy", "hard_bounds": {"min": "2023", "max": "2024"}},
    ),
)
GAPS: tuple[dict[str, Any], ...] = (
    {"histogram": {"field": "n", "interval": 1}},
    {"histogram": {"field": "n", "interval": 50, "keyed": True}},
    {"histogram": {"field": "far", "interval": 1}},
    {"date_histogram": {"field": "at", "fixed_interval": "1h"}},
    {"date_histogram": {"field": "old", "fixed_interval": "6h"}},
    {"histogram": {"field": "n", "interval": 1}, "aggs": {"b": {"stats": {"field": "n"}}}},
)


@pytest.fixture(scope="module", params=["elasticsearch9", "elasticsearch8", "opensearch3", "opensearch2"])
def node(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> tuple[str, str]:
    url = url_of(request.param)
    ask(url, "DELETE", f"/{INDEX}")
    settings = {"number_of_shards": 1, "number_of_replicas": 0}
    assert ask(url, "PUT", f"/{INDEX}", {"settings": settings, "mappings": {"properties": MAPPING}})[0] == 200
    lines = [line for one in DOCUMENTS for line in ('{"index":{}}', json.dumps(one))]
    status, answer = ask(url, "POST", f"/{INDEX}/_bulk?refresh=true", lines)
    assert (status, answer["errors"]) == (200, False)
    return request.param, url


def ask(url: str, method: str, path: str, body: dict[str, Any] | list[str] | None = None) -> tuple[int, Any]:
    text = "\n".join([*body, ""]) if isinstance(body, list) else json.dumps(body) if body else ""
    kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
    request = urllib.request.Request(url + path, text.encode() or None, {"content-type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize(("name", "options"), HARD)
def test_hard_bounds_limit_buckets(node: tuple[str, str], name: str, options: dict[str, Any]) -> None:
    """… to no more than the guard counts, although the values are spread over 2e12, or 10,000 years."""
    options = {"field": "at", **options}
    status, answer = ask(node[1], "POST", f"/{INDEX}/_search", {"size": 0, "aggs": {"a": {name: options}}})
    assert status == 200, answer
    made = len(answer["aggregations"]["a"]["buckets"])
    counted = buckets_of(name, options, Ranges({}), guard.Limits())
    print(f"{node[0]}: {made} of {counted.answered} buckets")
    assert counted.unlimited == ""
    assert 0 < made <= counted.answered


@pytest.mark.parametrize("aggregation", GAPS, ids=str)
def test_elasticsearch_counts_gaps_before_it_fills_them(node: tuple[str, str], aggregation: dict[str, Any]) -> None:
    dialect, url = node
    far = {"range": {"far": {"gte": 0, "lte": 10}}}  # matches a document that also has a value far away
    near = {"range": {"old": {"gte": "2024-01-01", "lte": "2024-01-02"}}}
    field = next(iter(aggregation.values()))["field"]
    query = {"far": far, "old": near}.get(field, {"match_all": {}})
    body = {"size": 0, "query": query, "aggs": {"a": aggregation}}
    if dialect.startswith("opensearch"):
        assert guard.check(body, dialect=dialect)  # it would fill them
        return
    assert guard.check(body, dialect=dialect) == ()
    status, answer = ask(url, "POST", f"/{INDEX}/_search", body)
    assert status == 400
    assert answer["error"]["caused_by"]["type"] == "too_many_buckets_exception"
    assert ask(url, "GET", f"/{INDEX}/_count")[1]["count"] == len(DOCUMENTS)
