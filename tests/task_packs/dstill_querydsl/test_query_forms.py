"""Tables of queries and aggregations agree: with the guard and the schema, and all names are known ones (ADR 0012)."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

import pytest

from dstill_querydsl.language import schema
from dstill_querydsl.language.clause_leaves import conditions
from dstill_querydsl.language.guard.kinds import Fields, Options
from dstill_querydsl.language.guard.queries import QUERIES
from dstill_querydsl.language.mapping.needs import NEEDS
from dstill_querydsl.language.query_forms import DECAYS, FIELD_LIST, FIELD_OPTION, FIELDED, PLACES, SELECTS_BY

OF_GUARD = {name: kind for name, kind in QUERIES.items() if isinstance(kind, Fields)}
KNOWN_QUERIES = set(schema.names("query"))
KNOWN_AGGREGATIONS = set(schema.names("aggregation"))
# Of a field's type too, but no queries: functions of a function_score, and an option of terms_set.
PARTS = {*DECAYS, "field_value_factor", "random_score", "minimum_should_match_field"}
# OpenSearch alone has it.
OPENSEARCH = {"xy_shape"}
QUERY_TABLES = (
    "language.canonical.query._UNORDERED",
    "language.canonical.query._INNER",
    "engines.freeze._BY_FIELD",
    "engines.unsupported_fields._TEXTUAL",
    "language.guard.values._FUZZY_BY_TEXT",
    "language.guard.values._FUZZY_ON_A_FIELD",
    "language.query_forms.FIELDED",
    "language.query_forms.FIELD_LIST",
    "language.query_forms.FIELD_OPTION",
    "language.query_forms.PLACES",
    "language.query_forms.SELECTS_BY",
    "language.mapping.check._INSTEAD",
    "language.mapping.values_check._WHOLE",
    "testdata.leaves._INSIDE",
    "testdata.steps_fields._ON_VALUES",
    "testdata.steps_fields._ON_WORDS",
    "testdata.steps_values._VALUED",
)
AGGREGATION_TABLES = (
    "language.canonical.aggs._GROUPS",
    "language.canonical.aggs._SCORED",
    "language.grammar.aggregations._ONE_NUMBER",
    "language.grammar.bounds._NOT_IN_OPENSEARCH",
    "language.grammar.buckets._PRECISION",
    "language.guard.buckets._CELLS",
    "language.guard.buckets._OVERSAMPLED",
    "language.guard.buckets._SIZES",
    "language.guard.buckets._TYPICAL",
    "language.guard.cost._WEIGHTS",
    "language.aggregations._APPROXIMATE_KINDS",
    "language.aggregations._BY_BOUNDS",
    "language.aggregations._NAMED_BY_USER",
    "language.aggregations._NO_OUTPUT",
    "language.aggregations._ZERO_WITHOUT_DOCUMENTS",
    "language.mapping.needs.AGGREGATION_NEEDS",
    "questions.templates.summaries.METRICS",
    "testdata.roles._GROUPING",
    "testdata.steps_aggregations._METRICS",
)


def _names(table: str) -> set[str]:
    module, _, name = table.rpartition(".")
    entries: Iterable[str | tuple[str, str]] = getattr(import_module(f"dstill_querydsl.{module}"), name)
    return {entry if isinstance(entry, str) else entry[0] for entry in entries}


@pytest.mark.parametrize("table", QUERY_TABLES)
def test_every_query_in_table_is_known(table: str) -> None:
    assert _names(table) <= KNOWN_QUERIES


@pytest.mark.parametrize("table", AGGREGATION_TABLES)
def test_every_aggregation_in_table_is_known(table: str) -> None:
    assert _names(table) <= KNOWN_AGGREGATIONS


def test_defaults_and_needs_name_known_queries_and_aggregations() -> None:
    names = _names("language.canonical.values._DEFAULTS") | _names("language.canonical.values._ORDERS")
    assert {name.removeprefix("agg.") for name in names if name.startswith("agg.")} <= KNOWN_AGGREGATIONS
    assert {name for name in names if not name.startswith("agg.")} <= KNOWN_QUERIES
    assert NEEDS.keys() - PARTS - OPENSEARCH <= KNOWN_QUERIES


def test_field_queries_agree_with_guard_and_schema() -> None:
    assert FIELDED.keys() | PLACES.keys() == OF_GUARD.keys()
    assert OF_GUARD.keys() <= KNOWN_QUERIES
    options = {name: kind.names.keys() for name, kind in QUERIES.items() if isinstance(kind, Options)}
    assert {name for name, kind in options.items() if "field" in kind} == set(FIELD_OPTION)
    assert {name for name, kind in options.items() if "fields" in kind} == set(FIELD_LIST) & QUERIES.keys()
    assert all(part in options[name] for name, part in SELECTS_BY.items())


@pytest.mark.parametrize("name", [name for name, long in FIELDED.items() if long])
def test_guard_accepts_long_form(name: str) -> None:
    assert FIELDED[name] in OF_GUARD[name].long


@pytest.mark.parametrize("name", PLACES)
def test_options_are_not_read_as_fields(name: str) -> None:
    assert OF_GUARD[name].options.keys() - {"boost", "_name"} <= set(PLACES[name])


def test_field_query_is_one_leaf_without_options() -> None:
    (near,) = conditions({"query": {"distance_feature": {"field": "at", "origin": "now", "pivot": "7d"}}})
    assert (near.operator, near.field) == ("distance_feature", "at")
    place = {"distance": "1km", "ignore_unmapped": True, "p": {"lat": 1, "lon": 2}}
    assert [leaf.field for leaf in conditions({"query": {"geo_distance": place}})] == ["p"]
