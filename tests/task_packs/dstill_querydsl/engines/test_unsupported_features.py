"""Which bodies use features that the embedded engine lacks."""

from __future__ import annotations

from typing import Any

import pytest
from support.tables import rows

from dstill_querydsl.engines.unsupported_features import UnsupportedFeatures, note_large_numbers
from dstill_querydsl.language.field_types import MAX_EXACT

MAPPING: dict[str, Any] = {
    "properties": {
        "name": {"type": "keyword", "normalizer": "low", "fields": {"exact": {"type": "keyword"}}},
        "called": {"type": "alias", "path": "name"},
        "title": {"type": "text"},
        "text": {"type": "text", "analyzer": "french"},
        "words": {"type": "alias", "path": "text"},
        "id": {"type": "long", "copy_to": ["all_ids"], "fields": {"text": {"type": "keyword"}}},
        "number": {"type": "alias", "path": "id"},
        "all_ids": {"type": "long"},
        "small": {"type": "integer"},
        "client": {"type": "ip"},
    }
}


def unsupported_reason(body: Any, settings: Any = None, large: tuple[str, ...] = ("id",)) -> str:
    return UnsupportedFeatures.of(MAPPING, settings or {}, large).reason(body)


def _in_box(name: str, corner: Any, other: str, opposite: Any) -> dict[str, Any]:
    return {"query": {"bool": {"filter": [{"geo_bounding_box": {"at": {name: corner, other: opposite}}}]}}}


@pytest.mark.parametrize(
    ("body", "reason"),
    rows(__file__, "unsupported_features.jsonl"),
)
def test_finds_unsupported_feature_of_body(body: dict[str, Any], reason: str) -> None:
    assert unsupported_reason(body).startswith(reason)
    assert bool(unsupported_reason(body)) is bool(reason)


def _filtered(type: str, **options: str) -> dict[str, Any]:
    return {"analyzer": {"default": {"filter": "mine"}}, "filter": {"mine": {"type": type, **options}}}


@pytest.mark.parametrize(
    ("analysis", "differs"),
    [
        ({"analyzer": {"default": {"type": "finnish"}}}, True),
        ({"analyzer": {"default": {"tokenizer": "standard", "filter": ["lowercase"]}}}, False),
        ({"analyzer": {"default_search": {"tokenizer": "standard", "filter": ["kstem"]}}}, True),
        (_filtered("stemmer", language="german"), True),
        (_filtered("stemmer", name="porter2"), False),
        (_filtered("snowball", language="Danish"), True),
        ({"analyzer": {"default": {"char_filter": ["mine"]}}, "char_filter": {"mine": {"type": "mapping"}}}, True),
        ({"analyzer": {"other": {"type": "finnish"}}}, False),
    ],
)
def test_detects_unsupported_default_analyzer(analysis: dict[str, Any], differs: bool) -> None:
    for settings in ({"analysis": analysis}, {"index": {"analysis": analysis}}):
        assert bool(unsupported_reason({"query": {"match": {"title": "x"}}}, settings)) is differs


def test_notes_fields_with_large_numbers() -> None:
    large: set[str] = set()
    documents = [("1", {"a": {"b": [1, MAX_EXACT + 1]}, "c": MAX_EXACT}), ("2", {"d": [{"e": -MAX_EXACT - 1}]})]
    assert list(note_large_numbers(documents, large)) == documents
    assert large == {"a.b", "d.e"}


@pytest.mark.parametrize(
    ("field", "body", "differs"),
    [
        ({"type": "long_range"}, {"aggs": {"a": {"cardinality": {"field": "f"}}}}, True),
        ({"type": "long_range"}, {"query": {"term": {"f": 3}}}, False),
        ({"type": "version"}, {"sort": ["f"]}, True),
        ({"type": "constant_keyword"}, {"query": {"bool": {"filter": [{"range": {"f": {"gt": "a"}}}]}}}, True),
        ({"type": "constant_keyword"}, {"query": {"term": {"f": "a"}}}, False),
        ({"type": "date_nanos"}, {"query": {"match_all": {}}, "fields": ["f"]}, True),
        ({"type": "date_nanos"}, {"sort": ["f"]}, False),
        ({"type": "date", "format": "epoch_second||yyyy"}, {"query": {"term": {"f": 1}}}, True),
        ({"type": "date", "format": "epoch_second||yyyy"}, {"aggs": {"a": {"max": {"field": "f"}}}}, False),
        ({"type": "date"}, {"query": {"term": {"f": 1}}}, False),
    ],
)
def test_detects_field_types_that_behave_differently(
    field: dict[str, str], body: dict[str, Any], differs: bool
) -> None:
    reason = UnsupportedFeatures.of({"properties": {"f": field, "g": {"type": "alias", "path": "f"}}}, {}).reason(body)
    assert reason.endswith("where the embedded engine differs") is differs
    assert bool(reason) is differs
