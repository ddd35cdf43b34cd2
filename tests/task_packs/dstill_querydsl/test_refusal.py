"""Refusals: what is one, and what is wrong with one."""

from typing import Any

import pytest

from dstill_querydsl.language.results import refusal


@pytest.mark.parametrize(
    "value",
    [
        {"refusal": {"reason": "no field holds the revenue", "missing": ["revenue"]}},
        {"refusal": {"reason": "a search cannot write"}},
    ],
)
def test_accepts_valid_refusal(value: Any) -> None:
    assert refusal.is_refusal(value)
    assert refusal.check(value) == ()


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"refusal": "no"}, "/refusal"),
        ({"refusal": {}}, "/refusal/reason"),
        ({"refusal": {"reason": "  "}}, "/refusal/reason"),
        ({"refusal": {"reason": 5}}, "/refusal/reason"),
        ({"refusal": {"reason": "x" * 501}}, "/refusal/reason"),
        ({"refusal": {"reason": "no", "missing": "revenue"}}, "/refusal/missing"),
        ({"refusal": {"reason": "no", "missing": [1]}}, "/refusal/missing"),
        ({"refusal": {"reason": "no", "why": "so"}}, "/refusal/why"),
        ({"refusal": {"reason": "no"}, "query": {"match_all": {}}}, "/query"),
    ],
)
def test_points_at_invalid_part(value: Any, pointer: str) -> None:
    assert [problem.pointer for problem in refusal.check(value)] == [pointer]


@pytest.mark.parametrize("value", [None, [], {}, {"query": {"match_all": {}}}])
def test_ignores_other_answers(value: Any) -> None:
    assert not refusal.is_refusal(value)
    assert refusal.check(value) == ()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"reason": "no field has it", "missing": ["revenue", "cost"]}, "no field has it (missing: revenue, cost)"),
        ({"reason": "a search cannot write"}, "a search cannot write"),
        ({"reason": "no", "missing": "revenue"}, "no"),
        ({"missing": ["revenue", 1]}, "(missing: revenue)"),
        ({"reason": 5}, ""),
    ],
)
def test_reason_names_what_is_missing(value: Any, shown: str) -> None:
    assert refusal.reason({"refusal": value}) == shown
