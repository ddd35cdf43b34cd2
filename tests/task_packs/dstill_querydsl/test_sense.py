"""Warnings about bodies that are legal, and hardly meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dstill.api import find_problems
from dstill.api.records import Draft, Example
from dstill_querydsl.language.sense import check
from dstill_querydsl.pack import QueryDsl

BOTH = {"term": {"level": "warn"}}


def terms(field: str, **more: Any) -> dict[str, Any]:
    return {"terms": {"field": field}, **more}


@pytest.mark.parametrize(
    ("body", "code", "message", "pointer"),
    [
        (
            {"query": {"range": {"took": {"gt": 5, "lt": 3}}}},
            "excluded",
            "'took' > 5 and 'took' < 3 are never true together",
            "/query/range/took",
        ),
        (
            {"query": {"bool": {"filter": [BOTH], "must_not": BOTH}}},
            "excluded",
            "{'term': {'level': 'warn'}} must and must not match",
            "/query/bool/must_not",
        ),
        (
            {"query": {"bool": {"filter": [{"range": {"took": {"lte": 9}}}, {"range": {"took": {"lt": 5}}}]}}},
            "repeated",
            "one of 'took' <= 9 and 'took' < 5 is enough",
            "/query/bool/filter/1/range/took",
        ),
        ({"_source": ["a", "b", "a"]}, "shown_twice", "'a' is shown twice", "/_source"),
        (
            {"aggs": {"x": terms("a", aggs={"y": terms("a")})}},
            "grouped_twice",
            "'a' groups twice",
            "/aggs/x/aggs/y",
        ),
        (
            {"aggs": {"x": {"composite": {"sources": [{"a": terms("a")}, {"b": terms("a")}]}}}},
            "grouped_twice",
            "'a' groups twice",
            "/aggs/x",
        ),
    ],
)
def test_warns(body: dict[str, Any], code: str, message: str, pointer: str) -> None:
    (problem,) = check(body)
    assert (problem.code, problem.message, problem.pointer) == (code, message, pointer)
    assert (problem.layer, problem.is_error, bool(problem.hint)) == ("sense", False, True)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"bool": {"filter": [{"term": {"tags": "a"}}, {"term": {"tags": "b"}}]}}},  # a field may have several
        {"query": {"bool": {"filter": [{"range": {"took": {"gt": 9}}}, {"range": {"took": {"lt": 5}}}]}}},
        {"query": {"bool": {"should": [BOTH], "must_not": [BOTH]}}},
        {"query": {"range": {"at": {"gte": "now-7d/d", "lt": "now/d"}}}},
        {"query": {"range": {"at": {"gte": "2024-03-01", "lte": "2024-03-01"}}}},
        {"aggs": {"x": terms("a"), "y": terms("a")}},
        {"aggs": {"x": terms("a", aggs={"all": {"global": {}, "aggs": {"y": terms("a")}}})}},
        {
            "aggs": {
                "x": {
                    "date_histogram": {"field": "at", "calendar_interval": "year"},
                    "aggs": {"y": {"date_histogram": {"field": "at", "calendar_interval": "month"}}},
                }
            }
        },
    ],
)
def test_accepts(body: dict[str, Any]) -> None:
    assert check(body) == ()


def test_date_among_other_texts(task: QueryDsl) -> None:
    context = {
        "mapping": {"properties": {"name": {"type": "keyword"}}},
        "values": {"name": {"examples": ["Ann", "Bo"]}},
    }
    answer = json.dumps({"query": {"range": {"name": {"gte": "2024-01-01"}}}})
    problems = find_problems(task, Example(id="1", question="?", context=context), Draft(answer=answer))
    assert [p.code for p in problems if p.layer == "sense"] == ["other_form"]


def test_without_a_mapping_only_the_body_itself_is_judged(task: QueryDsl) -> None:
    answer = json.dumps({"query": {"range": {"took": {"gt": 5, "lt": 3}}}})
    problems = find_problems(task, Example(id="1", question="?"), Draft(answer=answer))
    assert [p.code for p in problems if p.layer == "sense"] == ["excluded"]
