"""Documents at and around what a gold asks."""

import json
from collections.abc import Mapping
from typing import Any

from dstill_querydsl.testdata import IndexSchema, Layout
from dstill_querydsl.testdata.dependencies import Keeper
from dstill_querydsl.testdata.documents import Candidate, candidates

NOW = 1_743_076_800_000


def candidates_of(body: Mapping[str, Any], place: IndexSchema, seed: str = "seed") -> list[Candidate]:
    layout = Layout(place.mapping)
    return list(candidates(body, layout, NOW, seed, Keeper({}, body, "", layout)))


def candidates_by_name(body: Mapping[str, Any], place: IndexSchema) -> dict[str, Candidate]:
    return {one.name: one for one in candidates_of(body, place)}


def field_values(candidate: Candidate, field: str) -> list[Any]:
    return [source[field] for _, source in candidate.documents if field in source]


def test_same_gold_gives_same_documents(place: IndexSchema) -> None:
    body = {"query": {"range": {"took": {"gte": 5}}}, "sort": ["weight"], "size": 3}
    assert candidates_by_name(body, place) == candidates_by_name(body, place)
    assert candidates_of(body, place, "another seed") != list(candidates_by_name(body, place).values())


def test_has_boundary_missing_and_list_values(place: IndexSchema) -> None:
    found = candidates_by_name(
        {"query": {"bool": {"filter": [{"range": {"took": {"gte": 5}}}, {"term": {"level": "error"}}]}}}, place
    )
    documents = [source for _, source in found["boundaries"].documents]
    assert {4, 5, 6} <= {took for took in field_values(found["boundaries"], "took") if isinstance(took, int)}
    assert any("level" not in source for source in documents)
    assert ["ERROR", "error"] in field_values(found["boundaries"], "level")
    assert "errors" in field_values(found["boundaries"], "level")
    # the value in another field of its kind
    assert any(source.get("host") == "error" and "level" not in source for source in documents)


def test_different_nested_objects_meet_conditions(place: IndexSchema) -> None:
    inside = {"bool": {"filter": [{"term": {"credits.name": "Kurosawa"}}, {"term": {"credits.job": "actor"}}]}}
    found = candidates_by_name({"query": {"nested": {"path": "credits", "query": inside}}}, place)
    lists = field_values(found["boundaries"], "credits")
    assert any(one[0] == {"name": "Kurosawa", "job": "actor"} for one in lists)
    assert [{"name": "Kurosawa"}, {"job": "actor"}] in lists


def test_sort_values_have_no_ties(place: IndexSchema) -> None:
    found = candidates_by_name({"size": 5, "sort": [{"took": "desc"}]}, place)
    for candidate in found.values():
        values = field_values(candidate, "took")
        assert len(values) == len(set(values))
        assert len(values) >= 5


def test_has_more_groups_than_requested(place: IndexSchema) -> None:
    body = {"size": 0, "aggs": {"g": {"terms": {"field": "host", "size": 4}}}}
    counts = [
        field_values(candidates_by_name(body, place)["hits"], "host").count(host)
        for host in set(field_values(candidates_by_name(body, place)["hits"], "host"))
    ]
    assert len(counts) > 5
    assert max(counts) > 1


def test_values_fit_their_types(place: IndexSchema) -> None:
    body = {
        "query": {"bool": {"filter": [{"range": {"stars": {"gte": 45}}}, {"range": {"day": {"gte": "now-3w"}}}]}},
        "size": 25,
        "sort": [{"took": "desc"}],
    }
    for candidate in candidates_by_name(body, place).values():
        assert all(-128 <= stars <= 127 for stars in field_values(candidate, "stars") if isinstance(stars, int))
        assert all(len(day) == 10 for day in field_values(candidate, "day") if isinstance(day, str))
    # where the bound has a time and the field has none, hits begin with the next day
    hits = [day for day in field_values(candidates_by_name(body, place)["hits"], "day") if isinstance(day, str)]
    assert sum(day > "2025-03-06" for day in hits) >= 27


def test_documents_are_json_and_few(place: IndexSchema) -> None:
    found = candidates_by_name({"query": {"match": {"message": "red planet"}}, "size": 100}, place)
    assert all(len(one.documents) <= 240 for one in found.values())
    assert json.loads(json.dumps([one.documents for one in found.values()]))
