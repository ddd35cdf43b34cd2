"""The canonical form: equal spellings meet in it, and what it says is what the body said."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dstill.api.engine import Engine
from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill_querydsl.language.canonical import canonical, canonical_text
from dstill_querydsl.language.results import compare
from dstill_querydsl.pack import QueryDsl

MAPPING = {
    "properties": {
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "m": {"type": "integer"},
        "t": {"type": "text"},
    }
}
WORDS = ("red", "blue", "green")
_one = random.Random(3)
DOCUMENTS = [
    [
        f"d{number}",
        {
            "k": _one.choice(WORDS),
            "n": number,
            "t": " ".join(_one.choices(WORDS, k=3)),
            **({"m": _one.randrange(5)} if number % 3 else {}),
        },
    ]
    for number in range(40)
]

word = st.sampled_from(WORDS)
small = st.integers(0, 40)
leaf = st.one_of(
    word.map(lambda w: {"term": {"k": w}}),
    st.lists(word, min_size=1, max_size=3, unique=True).map(lambda ws: {"terms": {"k": ws}}),
    st.tuples(st.sampled_from(("n", "m")), st.sampled_from(("gt", "gte", "lt", "lte")), small).map(
        lambda x: {"range": {x[0]: {x[1]: x[2]}}}
    ),
    st.sampled_from(("m", "k")).map(lambda f: {"exists": {"field": f}}),
    word.map(lambda w: {"match": {"t": w}}),
    st.just({"match_all": {}}),
)


def _bools(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    clauses = st.lists(inner, min_size=1, max_size=2)
    parts = st.fixed_dictionaries(
        {}, optional={"must": clauses, "filter": clauses, "should": clauses, "must_not": clauses}
    )
    return st.one_of(
        parts.filter(bool).map(lambda b: {"bool": b}), inner.map(lambda q: {"constant_score": {"filter": q}})
    )


query = st.recursive(leaf, _bools, max_leaves=5)
aggs = st.one_of(
    st.just({"groups": {"terms": {"field": "k"}, "aggs": {"v": {"avg": {"field": "n"}}}}}),
    st.just(
        {
            "x": {"max": {"field": "n"}},
            "y": {
                "terms": {"field": "k", "size": 2, "order": {"s": "asc"}},
                "aggs": {"s": {"sum": {"field": "n"}}},
            },
        }
    ),
    query.map(lambda q: {"f": {"filter": q, "aggs": {"c": {"value_count": {"field": "n"}}}}}),
)
body = st.one_of(
    query.map(lambda q: {"query": q}),
    query.map(lambda q: {"query": q, "size": 0, "track_total_hits": True}),
    st.tuples(query, st.integers(1, 15)).map(lambda x: {"query": x[0], "size": x[1], "sort": [{"n": "desc"}]}),
    st.tuples(query, aggs).map(lambda x: {"query": x[0], "size": 0, "aggs": x[1]}),
)


def respell(value: Any, draw: random.Random) -> Any:
    """The same body in other words."""
    if isinstance(value, list):
        return [respell(item, draw) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, inner in value.items():
        inner = respell(inner, draw)
        if name in ("must", "filter", "should", "must_not") and isinstance(inner, list):
            inner = draw.sample(inner, len(inner))
            inner = inner[0] if len(inner) == 1 and draw.random() < 0.5 else inner
        elif name == "terms" and "k" in inner:
            inner = {"k": draw.sample(inner["k"], len(inner["k"])), "boost": 1.0}
        elif name in ("term", "match") and draw.random() < 0.5:
            ((field, said),) = inner.items()
            inner = {field: {"value" if name == "term" else "query": said, "boost": 1}}
        if name == "aggs":
            name, inner = "aggregations", dict(draw.sample(sorted(inner.items()), len(inner)))
        result[name] = inner
    return dict(draw.sample(sorted(result.items(), key=lambda item: item[0]), len(result)))


@given(body)
def test_canonical_form_is_idempotent(value: Any) -> None:
    once = canonical(value)
    assert canonical(once) == once


@given(body, st.integers(0, 10**6))
def test_other_spellings_have_same_canonical_form(value: Any, seed: int) -> None:
    other = {**respell(value, random.Random(seed)), "from": 0, "_source": True}
    assert canonical_text(json.dumps(other)) == canonical_text(json.dumps(value))


names = st.sampled_from(("query", "bool", "sort", "aggs", "range", "should", "refusal"))
misshapen = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(names, inner)
)


@example(text='{"query": {}}')
@given(st.text(max_size=60) | misshapen.map(json.dumps))
def test_no_text_raises(text: str) -> None:
    assert isinstance(canonical_text(text), str)


def _pairs(name: str) -> list[tuple[Any, Any]]:
    """Two bodies on two lines, and an empty line behind them."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [tuple(json.loads(line) for line in pair.splitlines()) for pair in text.strip().split("\n\n")]  # type: ignore[misc]


@pytest.mark.parametrize(("one", "other"), _pairs("canonical_equal.jsonl"))
def test_equal_bodies_have_same_canonical_form(one: Any, other: Any) -> None:
    assert canonical_text(json.dumps(one)) == canonical_text(json.dumps(other))


@pytest.mark.parametrize(("one", "other"), _pairs("canonical_unequal.jsonl"))
def test_different_bodies_have_different_canonical_forms(one: Any, other: Any) -> None:
    assert canonical_text(json.dumps(one)) != canonical_text(json.dumps(other))


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    from dstill_querydsl.engines import Embedded

    asked = Example(
        id="1",
        question="",
        context={
            "index": "small",
            "mapping": MAPPING,
            "test_database": TestDatabase(name="c", data={"documents": DOCUMENTS}),
        },
    )
    with Embedded().open(QueryDsl(), Engine()) as executor:

        def value(answer: Any) -> Any:
            outcome = executor.run(json.dumps(answer), asked)
            assert outcome.kind is OutcomeKind.OK, outcome.reason
            return outcome.value

        yield value


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=body)
@example(value={"query": {"bool": {"must": [{"match_all": {}}], "should": [{"term": {"k": "red"}}]}}})
def test_canonical_form_gives_same_result(run: Any, value: Any) -> None:
    assert compare.same(run(canonical(value)), run(value))
