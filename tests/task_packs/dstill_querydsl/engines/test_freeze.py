"""Date math with a fixed now."""

from __future__ import annotations

from typing import Any

import pytest

from dstill_querydsl.engines.freeze import freeze

MAPPING: dict[str, Any] = {
    "properties": {
        "at": {"type": "date"},
        "day": {"type": "date", "format": "dd.MM.yyyy"},
        "word": {"type": "keyword", "fields": {"text": {"type": "text"}}},
        "event": {"properties": {"end": {"type": "date_nanos"}}},
    }
}
NOW = "2025-03-27T12:00:00.000Z"


def frozen(body: dict[str, Any]) -> dict[str, Any]:
    return freeze(body, "2025-03-27T13:00:00+01:00", MAPPING)


@pytest.mark.parametrize(
    ("clause", "want"),
    [
        ({"at": {"gte": "now-1d/d", "lt": "now"}}, {"at": {"gte": f"{NOW}||-1d/d", "lt": NOW}}),
        ({"event.end": {"lte": "now+1M/M"}}, {"event.end": {"lte": f"{NOW}||+1M/M"}}),
        ({"unknown": {"lte": "now/y"}}, {"unknown": {"lte": f"{NOW}||/y"}}),
        ({"word": {"gte": "now"}}, {"word": {"gte": "now"}}),
        ({"at": {"gte": "2025-01-01||-1d"}}, {"at": {"gte": "2025-01-01||-1d"}}),
        ({"at": {"gte": "now-1x"}}, {"at": {"gte": "now-1x"}}),
        (
            {"day": {"gte": "now/d", "lte": "01.04.2025"}},
            {"day": {"gte": f"{NOW}||/d", "lte": "01.04.2025", "format": "dd.MM.yyyy||strict_date_optional_time"}},
        ),
        (
            {"at": {"gte": "now", "format": "epoch_second"}},
            {"at": {"gte": NOW, "format": "epoch_second||strict_date_optional_time"}},
        ),
        ({"day": {"gte": "01.03.2025"}}, {"day": {"gte": "01.03.2025"}}),
    ],
)
def test_freezes_range(clause: dict[str, Any], want: dict[str, Any]) -> None:
    deep = {"query": {"bool": {"filter": [{"nested": {"path": "x", "query": {"range": clause}}}]}}}
    assert frozen(deep) == {"query": {"bool": {"filter": [{"nested": {"path": "x", "query": {"range": want}}}]}}}


def test_keeps_text_values_and_key_order() -> None:
    body = {"query": {"bool": {"must": [{"match": {"word.text": "now"}}, {"term": {"word": {"value": "now"}}}]}}}
    assert frozen(body) == body
    body = {"size": 3, "query": {"range": {"at": {"lt": "now", "gte": "now-1d"}}}, "sort": ["at"]}
    assert list(frozen(body)) == ["size", "query", "sort"]
    assert list(frozen(body)["query"]["range"]["at"]) == ["lt", "gte"]


def test_freezes_dates_outside_ranges() -> None:
    assert frozen({"query": {"term": {"at": "now/d"}}}) == {"query": {"term": {"at": f"{NOW}||/d"}}}
    assert frozen({"query": {"terms": {"at": ["now/d"], "boost": 2}}}) == {
        "query": {"terms": {"at": [f"{NOW}||/d"], "boost": 2}}
    }
    assert frozen({"query": {"distance_feature": {"field": "at", "pivot": "7d", "origin": "now"}}}) == {
        "query": {"distance_feature": {"field": "at", "pivot": "7d", "origin": NOW}}
    }
    ranges = {"field": "at", "ranges": [{"from": "now-1M", "to": "now"}, {"to": "2025-01-01"}]}
    assert frozen({"aggs": {"a": {"date_range": ranges}}})["aggs"]["a"]["date_range"]["ranges"] == [
        {"from": f"{NOW}||-1M", "to": NOW},
        {"to": "2025-01-01"},
    ]
    bounds = {"date_histogram": {"field": "at", "extended_bounds": {"min": "now-1y", "max": "now"}}}
    assert frozen({"aggs": {"a": bounds}})["aggs"]["a"]["date_histogram"]["extended_bounds"] == {
        "min": f"{NOW}||-1y",
        "max": NOW,
    }
    assert frozen({"gauss": {"at": {"scale": "10d"}}}) == {"gauss": {"at": {"scale": "10d", "origin": NOW}}}
    assert frozen({"gauss": {"price": {"scale": 3, "origin": 1}}}) == {"gauss": {"price": {"scale": 3, "origin": 1}}}
