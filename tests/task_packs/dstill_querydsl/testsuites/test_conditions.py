"""What a clause asks: values on both sides of its boundary, and which side each lies on."""

from typing import Any

import pytest

from dstill_querydsl.language.fields import Field
from dstill_querydsl.testdata import instants
from dstill_querydsl.testdata.conditions import read_clause

NOW = 1_743_078_600_000


def sides(operator: str, type_: str, given: Any, options: Any = None) -> tuple[list[Any], list[Any]]:
    """Values that meet the clause, and those that miss it."""
    found = read_clause(operator, Field(name="f", type=type_), given, options or {}, NOW)
    return [v for v in found.values if found.test(v)], [v for v in found.values if not found.test(v)]


def test_has_numbers_around_bound() -> None:
    assert sides("range", "integer", {"gte": 5, "lt": 9}) == ([5, 6, 8], [4, 9, 10])
    assert sides("range", "integer", {"gt": "5"}) == ([6], [5, 4])
    assert sides("term", "long", 503) == ([503], [504, 502])
    inside, outside = sides("range", "double", {"lt": 3.1})
    assert 2.945 in inside  # between the bound and one a tenth lower
    assert 3.1 in outside


def test_days_have_first_and_last_instants() -> None:
    inside, outside = sides("range", "date", {"gte": "2025-02-10", "lte": "2025-02-10"})
    day = instants.span("2025-02-10", NOW)
    assert {day[0], day[0] + 1, day[1]} <= set(inside)
    assert {day[0] - 1, day[1] + 1} <= set(outside)
    inside, outside = sides("range", "date", {"gt": "2025-02-10"})
    day = instants.span("2025-02-10", NOW)
    assert day[1] + 1 in inside
    assert {day[0], day[1]} <= set(outside)


@pytest.mark.parametrize(
    ("operator", "type_", "given", "inside", "outside"),
    [
        ("term", "keyword", "error", {"error"}, {"ERROR", "errors", "erro", "error alpha"}),
        ("prefix", "keyword", "/docs", {"/docs", "/docss"}, {"/DOCS", "/doc", "z/docs"}),
        (
            "match",
            "text",
            "red planet",
            {"red planet", "planet red", "red", "planet"},
            {"red planets"} - {"red planets"},
        ),
        ("match_phrase", "text", "red planet", {"red planet", "red planet alpha"}, {"planet red", "red beta planet"}),
        ("wildcard", "keyword", "*fox*", {"qufoxqu", "fox"}, {"fo", "QUFOXQU"}),
        ("terms", "keyword", ["a1", "b1"], {"a1", "b1"}, {"A1", "b1s"}),
        ("term", "boolean", True, {True}, {False}),
        ("term", "ip", "192.0.2.0/24", {"192.0.2.0", "192.0.2.255"}, {"192.0.1.255", "192.0.3.0"}),
        ("range", "ip", {"gt": "192.0.2.9"}, {"192.0.2.10"}, {"192.0.2.9", "192.0.2.8"}),
    ],
)
def test_has_values_inside_and_outside(
    operator: str, type_: str, given: Any, inside: set[Any], outside: set[Any]
) -> None:
    found = sides(operator, type_, given)
    assert inside <= set(found[0])
    assert outside <= set(found[1])


def test_has_points_inside_and_outside_of_shapes() -> None:
    for operator, given, options in (
        ("geo_distance", {"lat": 52.5, "lon": 13.4}, {"distance": "10km"}),
        ("geo_bounding_box", {"top_left": {"lat": 60, "lon": 5}, "bottom_right": {"lat": 50, "lon": 20}}, {}),
    ):
        inside, outside = sides(operator, "geo_point", given, options)
        assert len(inside) >= 4
        assert len(outside) >= 4


def test_unreadable_clause_has_no_values() -> None:
    assert sides("term", "ip", "not an address") == ([], [])
    assert sides("geo_distance", "geo_point", "u33d", {"distance": "10km"}) == ([], [])
    assert sides("range", "date", {"gte": "someday"}) == ([], [])
