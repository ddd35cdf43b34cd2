"""Every layer but the first takes any JSON object without raising, also one that other layers refuse."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.api.records import Problem
from dstill_querydsl.language import guard, schema
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping import check as mapping_check

MAPPING = {
    "properties": {
        "a": {"type": "text"},
        "b": {"type": "date"},
        "c": {"type": "nested", "properties": {"d": {"type": "long"}}},
    }
}
FIELDS = Fields.of(MAPPING)
LIMITS = guard.Limits(fields=("*", "!b", "!c.*"), query_string=True)

# Words that lead deep into the checks, where random text would stop at the first key.
_WORDS = [
    "query", "aggs", "aggregations", "sort", "_source", "size", "from", "fields", "highlight", "collapse",
    "post_filter", "inner_hits", "field", "path", "value", "values", "filters", "filter", "must", "should",
    "functions", "sources",
    "ranges", "order", "include", "after", "buckets_path", "nested", "script", "meta", "includes", "metrics", "terms",
    "gte", "lt", "format", "fixed_interval", "calendar_interval", "interval", "extended_bounds", "min", "max", "a", "b",
    "c", "c.d", "a.x", "_index", "_geo_distance", "_script", "lat", "lon", "search_after", "key", "type", "clauses",
]  # fmt: skip
_VALUES = [
    "now-1d/d", "now-", "||", "2024-01-31", "1d", "1s", "desc", "*", "a^2", "a>b.c", "", "1e400", "9" * 40, "²", "٣",
]  # fmt: skip
_KEYS = st.sampled_from([*_WORDS, *schema.names("query"), *schema.names("aggregation")]) | st.text(max_size=5)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(_VALUES)
    | _KEYS
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=40,
)
_BODIES = st.dictionaries(st.sampled_from(_WORDS[:11]) | _KEYS, _JSON, max_size=5)


def _sound(problems: tuple[Problem, ...], layer: str) -> None:
    assert len(problems) <= 20
    for problem in problems:
        assert problem.layer == layer
        assert problem.message
        assert problem.pointer == "" or problem.pointer.startswith("/")


@settings(max_examples=300)
@given(_BODIES)
def test_no_object_raises(body: dict) -> None:
    for dialect in schema.DIALECTS[:1]:
        _sound(schema.check(body, dialect), "schema")
    _sound(mapping_check.check(body, FIELDS), "mapping")
    _sound(guard.check(body), "guard")
    _sound(guard.check(body, LIMITS), "guard")


@settings(max_examples=150)
@given(_JSON)
def test_no_mapping_raises(mapping) -> None:
    if isinstance(mapping, dict):
        mapping_check.check(
            {"query": {"term": {"a": 1}}, "sort": ["b"], "aggs": {"x": {"avg": {"field": "c"}}}}, mapping
        )


def test_deep_objects_do_not_raise() -> None:
    body: dict = {"match_all": {}}
    for _ in range(60):
        body = {"bool": {"must": [body]}}
    for check in (schema.check, guard.check):
        check({"query": body})
    mapping_check.check({"query": body}, FIELDS)


@pytest.mark.parametrize("cell", [None, 1, "x", [], {}, [[]], {"a": None}, True, 1.5])
def test_every_key_accepts_every_json_type(cell, cases) -> None:
    """Each key of some real bodies is exchanged for each kind of value."""
    for row in cases("dsl_valid.jsonl")[::25]:
        for body in _exchanged(row["query"], cell):
            schema.check(body)
            mapping_check.check(body, FIELDS)
            guard.check(body)


def _exchanged(value, cell):
    if isinstance(value, dict):
        for key, item in value.items():
            yield {**value, key: cell}
            yield from ({**value, key: changed} for changed in _exchanged(item, cell))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], changed, *value[index + 1 :]] for changed in _exchanged(item, cell))


@pytest.mark.parametrize(
    "body",
    [
        {"size": "1" * 30_000 + "x"},
        {"query": {"match": {"f": {"query": "x", "boost": " " * 30_000 + "x"}}}},
        {"query": {"range": {"b": {"gte": "|" * 30_000}}}},
        {"query": {"range": {"b": {"gte": "now" + "+1d" * 10_000 + "x"}}}},
        {"query": {"bool": {"must": [{"term": {f"f{n}": n}} for n in range(1_000)]}}},
        {"query": {"bool": {"must": [{f"f{n}": n} for n in range(2_000)]}}},
        {"x" * 30_000: 1, "aggs": {"y" * 15_000: {"z" * 15_000: {}}}},
    ],
)
def test_checks_hostile_bodies_quickly(body: dict) -> None:
    wide = Fields.of(
        {"properties": {f"field_number_{n}": {"type": "keyword"} for n in range(900)} | MAPPING["properties"]}
    )
    start = time.process_time()
    schema.check(body)
    mapping_check.check(body, wide)
    guard.check(body)
    assert time.process_time() - start < 2  # a twentieth of that is usual; quadratic work takes more
