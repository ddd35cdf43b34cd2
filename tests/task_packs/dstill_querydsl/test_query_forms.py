"""The list of queries on one field by name agrees with what the guard lets through and the schema knows."""

from __future__ import annotations

import pytest

from dstill_querydsl import schema
from dstill_querydsl.guard.kinds import Fields
from dstill_querydsl.guard.queries import QUERIES
from dstill_querydsl.language.clause_leaves import conditions
from dstill_querydsl.language.query_forms import FIELDED, PLACES

OF_GUARD = {name: kind for name, kind in QUERIES.items() if isinstance(kind, Fields)}


def test_they_are_those_of_the_guard_and_of_the_schema() -> None:
    assert FIELDED.keys() | PLACES.keys() == OF_GUARD.keys()
    assert OF_GUARD.keys() <= set(schema.names("query"))


@pytest.mark.parametrize("name", [name for name, long in FIELDED.items() if long])
def test_the_guard_lets_the_long_form_through(name: str) -> None:
    assert FIELDED[name] in OF_GUARD[name].long


@pytest.mark.parametrize("name", PLACES)
def test_no_option_of_the_guard_is_taken_for_a_field(name: str) -> None:
    assert OF_GUARD[name].options.keys() - {"boost", "_name"} <= set(PLACES[name])


def test_a_query_that_names_its_field_is_one_leaf_on_that_field() -> None:
    (near,) = conditions({"query": {"distance_feature": {"field": "at", "origin": "now", "pivot": "7d"}}})
    assert (near.operator, near.field) == ("distance_feature", "at")


def test_options_beside_a_place_are_no_leaves() -> None:
    place = {"distance": "1km", "ignore_unmapped": True, "p": {"lat": 1, "lon": 2}}
    assert [leaf.field for leaf in conditions({"query": {"geo_distance": place}})] == ["p"]
