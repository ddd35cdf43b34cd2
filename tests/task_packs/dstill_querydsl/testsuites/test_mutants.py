"""Which steps are made from a gold: those that models take wrongly, each meaning something else."""

import json
from typing import Any

import pytest

from dstill.api.checking import find_problems
from dstill.api.protocols import TestDatabases
from dstill.api.records import Draft, Example
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.testdata import Layout, mutants_of
from dstill_querydsl.testdata.mutants import MOST

MAPPING: dict[str, Any] = {
    "properties": {
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "level": {"type": "keyword"},
        "host": {"type": "keyword"},
        "took": {"type": "long"},
        "bytes": {"type": "long"},
        "at": {"type": "date"},
        "same": {"type": "alias", "path": "took"},
        "credits": {"type": "nested", "properties": {"name": {"type": "keyword"}, "job": {"type": "keyword"}}},
    }
}


def names(body: dict[str, Any]) -> list[str]:
    return [one.name for one in mutants_of(body, Layout(MAPPING), lambda answer: True)]


def bodies(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(one.answer) for one in mutants_of(body, Layout(MAPPING), lambda answer: True)]


TWO = {"query": {"bool": {"filter": [{"term": {"level": "error"}}, {"range": {"took": {"gte": 5}}}]}}}


def test_drops_and_moves_clauses() -> None:
    found = names(TWO)
    for step in ("drop filter clause", "filter→must_not", "filter→should"):
        assert sum(name.startswith(step) for name in found) == 2, step
    # of scores alone nothing can be seen: this gold has none
    assert not any("filter→must at" in name for name in found)


def test_changes_bounds_values_and_fields() -> None:
    found = bodies(TWO)
    ranges = [
        c["range"] for b in found if (c := b.get("query", {}).get("bool", {}).get("filter", [{}])[-1]).get("range")
    ]
    for step in (
        {"took": {"gt": 5}},
        {"took": {"lte": 5}},
        {"took": {"gte": 6}},
        {"took": {"gte": 4}},
        {"bytes": {"gte": 5}},
    ):
        assert step in ranges
    # an alias is the same field, so no other one
    assert not any("same" in name for name in names(TWO))


def test_turns_or_into_and() -> None:
    should = {"query": {"bool": {"should": [{"term": {"level": "a"}}, {"term": {"host": "b"}}]}}}
    assert "or→and at /query/bool" in names(should)
    counted = {
        "query": {
            "bool": {**should["query"]["bool"], "minimum_should_match": 1, "filter": [{"exists": {"field": "at"}}]}
        }
    }
    assert {"minimum_should_match→2 at /query/bool", "minimum_should_match→0 at /query/bool"} <= set(names(counted))


def test_exchanges_match_and_term() -> None:
    found = bodies({"query": {"match": {"title": "red planet"}}})
    for step in (
        {"term": {"title.raw": "red planet"}},
        {"match_phrase": {"title": "red planet"}},
        {"match": {"title": {"query": "red planet", "operator": "and"}}},
    ):
        assert {"query": step} in found
    assert {"query": {"match": {"title": "Alien"}}} in bodies({"query": {"term": {"title.raw": "Alien"}}})


def test_splits_nested_conditions() -> None:
    inside = {"bool": {"filter": [{"term": {"credits.name": "Kurosawa"}}, {"term": {"credits.job": "actor"}}]}}
    assert "split nested at /query/nested" in names({"query": {"nested": {"path": "credits", "query": inside}}})


def test_changes_aggregations() -> None:
    body = {
        "size": 0,
        "aggs": {
            "per": {
                "terms": {"field": "level", "size": 3, "order": {"top": "desc"}},
                "aggs": {"top": {"max": {"field": "took"}}},
            }
        },
    }
    found = names(body)
    for step in (
        "max→avg",
        "took→bytes",
        "level→host",
        "size→4",
        "size→2",
        "drop size",
        "order top→asc",
        "drop the level",
    ):
        assert any(name.startswith(step) for name in found), step
    daily = {"size": 0, "aggs": {"d": {"date_histogram": {"field": "at", "calendar_interval": "day"}}}}
    assert {"day→week at /aggs/d/date_histogram", "day→hour at /aggs/d/date_histogram"} <= set(names(daily))
    parts = {"size": 0, "aggs": {"r": {"range": {"field": "took", "ranges": [{"to": 5}, {"from": 5}]}}}}
    assert any(name.startswith("to 5→6") for name in names(parts))


def test_changes_order_and_page() -> None:
    found = names({"size": 3, "from": 3, "sort": [{"took": "desc"}, "at"], "_source": ["took", "level"]})
    assert {
        "desc→asc at /sort/0",
        "asc→desc at /sort/1",
        "drop sort",
        "drop the last sort key",
        "size→4",
        "size→2",
        "drop from",
        "drop level of _source",
    } <= set(found)
    assert any(name.startswith("took→bytes") for name in found)


@pytest.mark.parametrize("now", ["now-7d/d", "2025-02-10||+1d", "2025-02-10"])
def test_shifts_dates_by_a_day(now: str) -> None:
    found = [
        b["query"]["range"]["at"].get("gte")
        for b in bodies({"query": {"range": {"at": {"gte": now}}}})
        if "query" in b and "range" in b["query"]
    ]
    assert {"now-7d/d": "now-8d/d", "2025-02-10||+1d": "2025-02-10||+2d", "2025-02-10": "2025-02-11"}[now] in found


@pytest.mark.nightly
def test_mutants_are_valid_and_differ_from_gold(task: QueryDsl) -> None:
    golds = [e for e in task.examples("test") if not task.is_refusal(e.answer or "")][:40]
    for gold in golds:
        found = list(TestDatabases.of(task).mutants(gold))
        assert 3 <= len(found) <= MOST
        forms = [canonical_text(one.answer) for one in found]
        assert len({*forms, canonical_text(gold.answer or "")}) == len(found) + 1
        for one in found:
            assert not [p for p in find_problems(task, gold, Draft(answer=one.answer)) if p.is_error], one.name
        assert found == list(TestDatabases.of(task).mutants(gold))


def test_refusal_has_no_mutants() -> None:
    refusal = Example(
        id="1", question="q", context={"index": "weblogs"}, answer='{"refusal":{"reason":"no","missing":[]}}'
    )
    assert not list(TestDatabases.of(QueryDsl()).mutants(refusal))
    assert not list(TestDatabases.of(QueryDsl()).test_databases(refusal, 5))
