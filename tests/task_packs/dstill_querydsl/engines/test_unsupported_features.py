"""Which bodies use features that the embedded engine lacks."""

from __future__ import annotations

from typing import Any

import pytest

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
    [
        ({"sort": ["name"]}, "sorts by 'name', which has a normalizer"),
        ({"sort": [{"called": "asc"}]}, "sorts by 'called', which has a normalizer"),
        ({"collapse": {"field": "name"}}, "collapses by 'name', which has a normalizer"),
        ({"aggs": {"a": {"terms": {"field": "called"}}}}, "aggregates by 'called', which has a normalizer"),
        ({"sort": ["name.exact"]}, ""),
        ({"query": {"term": {"name": "ada"}}}, ""),
        ({"query": {"match": {"text": "l'été"}}}, "searches 'text', whose analysis differs in the embedded engine"),
        ({"query": {"match": {"words": "l'été"}}}, "searches 'words', whose analysis differs in the embedded engine"),
        ({"query": {"multi_match": {"query": "x", "fields": ["title", "text^3"]}}}, "searches 'text', whose"),
        ({"query": {"match": {"title": {"query": "x", "analyzer": "danish"}}}}, "uses the analyzer danish"),
        ({"query": {"match": {"title": {"query": "danish", "analyzer": "standard"}}}}, ""),
        ({"query": {"term": {"id": 1}}}, "uses 'id', which holds numbers beyond 2^53"),
        ({"query": {"term": {"number": 1}}}, "uses 'number', which holds numbers beyond 2^53"),
        ({"aggs": {"a": {"max": {"field": "all_ids"}}}}, "uses 'all_ids', which holds numbers beyond 2^53"),
        ({"query": {"term": {"id.text": "1"}}}, "uses 'id.text', which holds numbers beyond 2^53"),
        ({"query": {"range": {"small": {"lt": MAX_EXACT + 1}}}}, "holds a number beyond 2^53"),
        ({"query": {"range": {"small": {"lt": MAX_EXACT}}}}, ""),
        ({"sort": [{"small": {"mode": "median"}}]}, "sorts by the average or median of 'small'"),
        ({"sort": [{"small": {"mode": "sum"}}]}, ""),
        ({"sort": ["client"]}, "sorts by 'client': the embedded engine sorts addresses as strings"),
        ({"collapse": {"field": "small", "inner_hits": {"size": 3, "collapse": {"field": "id"}}}}, "uses 'id'"),
        ({"collapse": {"field": "small", "inner_hits": {"size": 3, "collapse": {"field": "b"}}}}, "collapses inner"),
        ({"collapse": {"field": "small", "inner_hits": {"size": 3}}}, ""),
        ({"aggs": {"a": {"significant_text": {"field": "title"}}}}, ""),
        ({"aggs": {"a": {"significant_text": {"field": "title", "filter_duplicate_text": True}}}}, "uses signif"),
        ({"aggs": {"a": {"significant_terms": {"field": "title"}}}}, "uses significant_terms on 'title' (text)"),
        ({"aggs": {"a": {"significant_terms": {"field": "small", "chi_square": {}}}}}, ""),
        ({"aggs": {"a": {"significant_terms": {"field": "small", "gnd": {}}}}}, "uses significant_terms with gnd"),
        (_in_box("top_left", [125, -1], "bottom_right", [126, -1]), "uses a geo_bounding_box without height or width"),
        ({"sort": [{"_geo_distance": {"place": {"lat": 91, "lon": 7}}}]}, "has a latitude of 91 degrees"),
        ({"sort": [{"_geo_distance": {"place": {"lat": 89, "lon": 7}}}]}, ""),
        ({"query": {"term": {"lat": 500}}}, ""),
        (_in_box("top_right", "0,125.5", "bottom_left", {"lat": -1, "lon": 125.5}), "uses a geo_bounding_box"),
        ({"query": {"geo_bounding_box": {"at": {"top": 1, "left": 2, "bottom": 0, "right": 2.0}}}}, "uses a geo_bound"),
        (_in_box("top_left", [125, 0], "bottom_right", [126, -1]), ""),
        (_in_box("top_left", [1, 0], "bottom_right", [0, -1]), ""),
        (
            {"aggs": {"a": {"significant_terms": {"field": "small", "jlh": {"x": 1}}}}},
            "uses significant_terms with",
        ),
    ],
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
