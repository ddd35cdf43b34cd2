"""Fields that the embedded engine cannot hold: which they are, and which bodies would reach one."""

from __future__ import annotations

from typing import Any

import pytest

from dstill_querydsl.engines.unsupported_features import UnsupportedFeatures
from dstill_querydsl.engines.unsupported_fields import UnsupportedFields, refused
from dstill_querydsl.language.field_types import FAMILIES
from dstill_querydsl.testdata.embedded_runner import shared_runner

MAPPING: dict[str, Any] = {
    "dynamic": "runtime",
    "_data_stream_timestamp": {"enabled": True},
    "properties": {
        "code": {"type": "keyword", "copy_to": ["labels", "all"]},
        "all": {"type": "text"},
        "labels": {"type": "flattened"},
        "tags": {"type": "alias", "path": "labels"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}, "marked": {"type": "annotated_text"}}},
        "part": {"properties": {"vector": {"type": "dense_vector", "dims": 3}, "name": {"type": "keyword"}}},
        "steps": {"type": "nested", "properties": {"more": {"type": "flattened"}, "ms": {"type": "long"}}},
    },
    "runtime": {"hour": {"type": "long", "script": "emit(1)"}},
}
NAMES = ["hour", "labels", "part.vector", "steps.more", "tags", "title.marked"]
UNSUPPORTED = UnsupportedFields.of(MAPPING, NAMES)
# Types with what they need to be defined at all.
NEEDED: dict[str, dict[str, Any]] = {
    "alias": {"path": "code"},
    "constant_keyword": {"value": "x"},
    "knn_vector": {"dimension": 3},
    "scaled_float": {"scaling_factor": 100},
    "token_count": {"analyzer": "standard"},
}


def test_finds_unsupported_fields_of_mapping() -> None:
    assert shared_runner().unsupported_fields(MAPPING, {}) == UNSUPPORTED
    assert shared_runner().unsupported_fields({"properties": {"code": {"type": "keyword"}}}, {}) == UnsupportedFields()


def test_tries_each_definition_once() -> None:
    asked: list[Any] = []

    def takes(definition: Any) -> bool:
        asked.append(definition)
        return bool(definition["type"] == "keyword")

    many = {f"k{n}": {"type": "keyword"} for n in range(9)} | {f"f{n}": {"type": "flattened"} for n in range(9)}
    assert refused({"properties": many}, takes) == [f"f{n}" for n in range(9)]
    assert asked == [{"type": "keyword"}, {"type": "flattened"}]


@pytest.mark.parametrize("type", sorted(FAMILIES))
def test_unsupported_field_leaves_others_searchable(type: str) -> None:
    mapping = {"properties": {"code": {"type": "keyword"}, "f": {"type": type, **NEEDED.get(type, {})}}}
    unsupported_fields = shared_runner().unsupported_fields(mapping, {})
    assert list(unsupported_fields.types.items()) in ([], [("f", type)])
    documents: list[tuple[str, dict[str, str]]] = [("a", {"code": "x"}), ("b", {})]
    with shared_runner().on(mapping, {}, documents, "2025-06-18T12:00:00Z", unsupported_fields, lambda body: "") as run:
        assert [hit["id"] for hit in run({"query": {"term": {"code": "x"}}}).value["hits"]] == ["a"]


def test_constant_keyword_with_value_is_supported() -> None:
    """Without one a field of that type is empty until a document brings it, which the embedded engine cannot have."""
    for options, names in (({"value": "x"}, []), ({}, ["f"])):
        mapping = {"properties": {"f": {"type": "constant_keyword", **options}}}
        assert list(shared_runner().unsupported_fields(mapping, {}).types) == names


def test_removes_unsupported_fields_from_mapping() -> None:
    assert UNSUPPORTED.remove_from(MAPPING) == {
        "properties": {
            "code": {"type": "keyword", "copy_to": ["all"]},
            "all": {"type": "text"},
            "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "part": {"properties": {"name": {"type": "keyword"}}},
            "steps": {"type": "nested", "properties": {"ms": {"type": "long"}}},
        }
    }


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"query": {"term": {"labels": "x"}}}, "labels"),
        ({"query": {"term": {"labels.env": "x"}}}, "labels"),
        ({"query": {"exists": {"field": "tags"}}}, "tags"),
        ({"query": {"exists": {"field": "part"}}}, "part.vector"),  # an object exists if any of its fields does
        ({"query": {"match": {"title.marked": "x"}}}, "title.marked"),
        ({"query": {"bool": {"must_not": {"range": {"hour": {"gt": 3}}}}}}, "hour"),
        ({"query": {"multi_match": {"query": "x"}}}, "hour"),
        ({"query": {"multi_match": {"query": "x", "fields": ["ti*"]}}}, "title.marked"),
        ({"query": {"multi_match": {"query": "x", "fields": ["code", "*"]}}}, "hour"),
        ({"query": {"bool": {"filter": [{"simple_query_string": {"query": "x"}}]}}}, "hour"),
        ({"query": {"query_string": {"query": "labels.env:x", "fields": ["code"]}}}, "hour"),
        ({"query": {"match_all": {}}, "_source": ["labels.*"]}, "labels"),
        ({"query": {"match_all": {}}, "docvalue_fields": ["lab*"]}, "labels"),
        ({"size": 0, "aggs": {"a": {"terms": {"field": "labels.env"}}}}, "labels"),
        ({"query": {"match_all": {}}, "sort": [{"labels.env": "asc"}]}, "labels"),
    ],
)
def test_refuses_body_that_uses_unsupported_field(body: dict[str, Any], name: str) -> None:
    assert UNSUPPORTED.reason(body).startswith(f"uses '{name}' (")
    assert UnsupportedFeatures.of(MAPPING, {}, unsupported_fields=UNSUPPORTED).reason(body) == UNSUPPORTED.reason(body)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"match_all": {}}},
        {"query": {"term": {"code": "labels"}}},
        {"query": {"match": {"title": "hour"}}},
        {"query": {"exists": {"field": "title"}}},
        {"query": {"multi_match": {"query": "x", "fields": ["title^2", "all"]}}},
        {"query": {"nested": {"path": "steps", "query": {"range": {"steps.ms": {"gt": 5}}}}}},
        {"query": {"wildcard": {"code": "*lab*"}}, "_source": ["co*"]},
        {"size": 0, "aggs": {"labels": {"terms": {"field": "part.name"}}}},
    ],
)
def test_accepts_body_without_unsupported_fields(body: dict[str, Any]) -> None:
    assert UNSUPPORTED.reason(body) == ""
