"""What each type of field can do, as real nodes have it, against the tables of the mapping check."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.sizes import NIGHTLY

from dstill_querydsl.language.field_types import family
from dstill_querydsl.language.mapping import check

pytestmark = pytest.mark.live
DIALECTS = ("elasticsearch9", "opensearch3")

# Type → its options, one document's value, and a value to ask for.
TYPES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "binary": ({}, "c29tZQ==", "c29tZQ=="),
    "boolean": ({}, True, True),
    "completion": ({}, "abc", "abc"),
    "constant_keyword": ({"value": "abc"}, "abc", "abc"),
    "date": ({}, "2024-01-01", "2024-01-01"),
    "date_nanos": ({}, "2024-01-01", "2024-01-01"),
    "date_range": ({}, {"gte": "2024-01-01", "lte": "2024-02-01"}, "2024-01-05"),
    "dense_vector": ({"dims": 3}, [1, 2, 3], 1),
    "flattened": ({}, {"k": "abc"}, "abc"),
    "geo_point": ({}, "1,2", "1,2"),
    "geo_shape": ({}, "POINT (1 2)", "POINT (1 2)"),
    "ip": ({}, "10.0.0.1", "10.0.0.1"),
    "ip_range": ({}, "10.0.0.0/8", "10.1.1.1"),
    "join": ({"relations": {"abc": "b"}}, "abc", "abc"),
    "keyword": ({}, "abc", "abc"),
    "long": ({}, 5, 5),
    "long_range": ({}, {"gte": 1, "lte": 9}, 5),
    "match_only_text": ({}, "abc def", "abc"),
    "nested": ({}, {"a": 1}, 1),
    "object": ({}, {"a": 1}, 1),
    "passthrough": ({"priority": 1}, {"a": "b"}, "b"),
    "percolator": ({}, {"match_all": {}}, "abc"),
    "rank_feature": ({}, 3, 3),
    "rank_features": ({}, {"p": 3}, "p"),
    "search_as_you_type": ({}, "abc def", "abc"),
    "sparse_vector": ({}, {"abc": 1.0}, "abc"),
    "text": ({}, "abc def", "abc"),
    "token_count": ({"analyzer": "standard"}, "a b", 2),
    "unsigned_long": ({}, 5, 5),
    "version": ({}, "1.2.3", "1.2.3"),
    "wildcard": ({}, "abc", "abc"),
}
_DATES = ("date", "date_nanos", "date_range")
# Where the node refuses for a reason of its own, or one product has a narrower view; the table follows the wider one.
_NODE_ONLY = {
    ("match_only_text", "intervals"), ("match_only_text", "span_term"), ("wildcard", "fuzzy"), ("wildcard", "range"),
    ("constant_keyword", "fuzzy"), ("flattened", "collapse"), ("join", "collapse"), ("wildcard", "collapse"),
    ("constant_keyword", "collapse"), ("geo_shape", "geo_centroid"), ("boolean", "match_phrase_prefix"),
    ("version", "fuzzy"), ("completion", "match_bool_prefix"), ("completion", "terms_set"),
    ("boolean", "date_histogram"), ("long_range", "sort"), ("ip_range", "sort"), ("search_as_you_type", "intervals"),
    ("search_as_you_type", "combined_fields"), ("match_only_text", "combined_fields"),
    ("geo_point", "distance_feature"),
    ("date_range", "docvalue_fields"), ("ip_range", "docvalue_fields"), ("flattened", "intervals"),
}  # fmt: skip


def _bodies(type_: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    queries: dict[str, Any] = {
        name: {name: {"f": value}}
        for name in ("term", "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "span_term")
    }
    queries |= {name: {name: {"f": "ab*" if name == "wildcard" else "ab"}} for name in ("prefix", "wildcard", "fuzzy")}
    queries |= {
        "terms": {"terms": {"f": [value]}},
        "range": {"range": {"f": {"gte": value}}},
        "exists": {"exists": {"field": "f"}},
        "intervals": {"intervals": {"f": {"match": {"query": "abc"}}}},
        "rank_feature": {"rank_feature": {"field": "f"}},
        "distance_feature": {"distance_feature": {"field": "f", "origin": "now", "pivot": "1d"}},
        "geo_distance": {"geo_distance": {"distance": "999km", "f": "1,2"}},
        "geo_bounding_box": {"geo_bounding_box": {"f": {"top_left": "9,-9", "bottom_right": "-9,9"}}},
        "gauss": {"function_score": {"gauss": {"f": {"origin": value, "scale": "1d" if type_ in _DATES else 1}}}},
        "field_value_factor": {"function_score": {"field_value_factor": {"field": "f"}}},
        "combined_fields": {"combined_fields": {"query": "abc", "fields": ["f"]}},
    }
    for name, query in queries.items():
        yield name, {"query": query}
    aggregations: dict[str, Any] = {
        name: {"field": "f"}
        for name in (
            "terms", "rare_terms", "cardinality", "value_count", "missing", "avg", "sum", "min", "max", "stats",
            "extended_stats", "percentiles", "median_absolute_deviation", "geo_bounds", "geo_centroid", "geotile_grid",
        )
    }  # fmt: skip
    aggregations |= {
        "histogram": {"field": "f", "interval": 1},
        "date_histogram": {"field": "f", "fixed_interval": "1d"},
        "range": {"field": "f", "ranges": [{"from": 1}]},
        "ip_range": {"field": "f", "ranges": [{"mask": "10.0.0.0/8"}]},
        "variable_width_histogram": {"field": "f", "buckets": 2},
        "weighted_avg": {"value": {"field": "f"}, "weight": {"field": "f"}},
        "composite": {"sources": [{"x": {"terms": {"field": "f"}}}]},
    }
    for name, options in aggregations.items():
        yield name, {"size": 0, "aggs": {"a": {name: options}}}
    yield "sort", {"sort": ["f"]}
    yield "collapse", {"collapse": {"field": "f"}}
    yield "docvalue_fields", {"docvalue_fields": ["f"]}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ask(dialect: str, url_of: Callable[[str], str]) -> Callable[..., tuple[int, Any]]:
    url = url_of(dialect)

    def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        sent = urllib.request.Request(url + path, method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(sent, timeout=180) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    return send


def _refused(status: int, reply: Any) -> bool | None:
    """Whether the node refused; None where it does not know the aggregation at all."""
    if status == 200:
        return bool(reply["_shards"]["failed"])
    return None if "nknown aggregation type" in json.dumps(reply) else True


def test_table_refuses_what_node_refuses(dialect: str, ask: Callable[..., tuple[int, Any]]) -> None:
    wrong: list[tuple[str, str, bool]] = []
    asked = 0
    # CI asks one node of each type, `make nightly` both
    types = list(TYPES.items())[0 if NIGHTLY else DIALECTS.index(dialect) :: 1 if NIGHTLY else len(DIALECTS)]
    for type_, (options, document, value) in types:
        index = f"types-{type_.replace('_', '-')}"
        inner = {"properties": {"a": {"type": "long"}}} if type_ in ("nested", "object") else {}
        mapping = {"properties": {"f": {"type": type_, **options, **inner}}}
        status, _ = ask("PUT", f"/{index}", {"settings": {"number_of_replicas": 0}, "mappings": mapping})
        if status != 200:
            continue  # a module that this node does not have
        try:
            assert ask("PUT", f"/{index}/_doc/1?refresh=true", {"f": document})[0] == 201
            for name, body in _bodies(type_, value):
                refused = _refused(*ask("POST", f"/{index}/_search", body))
                errors = [one for one in check.check(body, mapping) if one.is_error]
                asked += refused is not None
                if refused and not errors and (type_, name) not in _NODE_ONLY:
                    wrong.append((type_, name, refused))
                if refused is False and errors and (type_, name) not in _NODE_ONLY and not _silent(type_, name):
                    wrong.append((type_, name, refused))
        finally:
            ask("DELETE", f"/{index}")
    print(f"{asked} questions, {len(wrong)} answered otherwise: {wrong}")
    assert asked > 600 * len(types) / len(TYPES)
    assert wrong == []


def _silent(type_: str, name: str) -> bool:
    """What a node answers, with nothing or with what was not meant: the table refuses it all the same."""
    words = family(type_) == "text" and name in ("term", "terms", "range")
    tokens = type_ in ("completion", "sparse_vector")
    return words or tokens or family(type_) in ("object", "nested")
