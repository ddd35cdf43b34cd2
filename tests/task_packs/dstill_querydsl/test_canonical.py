"""The canonical form: equal spellings meet in it, and what it says is what the body said."""

import json
import random
from collections.abc import Iterator
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


EQUAL = """
{"query": {"term": {"k": "a"}}, "size": 0}
{"query": {"bool": {"filter": {"term": {"k": {"value": "a"}}}}}, "size": 0}

{"size": 10, "query": {"match_all": {}}}
{}

{"query": {"bool": {"filter": [{"range": {"n": {"gte": 1}}}, {"range": {"n": {"lt": 5}}}]}}}
{"query": {"bool": {"filter": [{"range": {"n": {"lt": 5, "gte": 1}}}]}}}

{"query": {"bool": {"must": [{"range": {"n": {"gte": 1}}}, {"range": {"n": {"lt": 5}}}]}}}
{"query": {"range": {"n": {"lt": 5, "gte": 1, "boost": 1.0}}}}

{"size": 10.0, "query": {"bool": {"should": [{"term": {"k": "a"}}, {"term": {"n": 3}}], "minimum_should_match": 2.0}}}
{"query": {"bool": {"should": [{"term": {"n": 3}}, {"term": {"k": "a"}}], "minimum_should_match": 2}}}

{"size": 0, "aggs": {"x": {"terms": {"field": "k", "size": 10}}}}
{"size": 0, "aggregations": {"y": {"terms": {"field": "k"}}}}

{"sort": "n"}
{"sort": [{"n": {"order": "asc"}}]}

{"sort": {"n": "ASC", "k": {"order": "desc", "missing": "_last"}}}
{"sort": ["n", {"k": "desc"}]}

{"query": {"bool": {"should": [{"term": {"k": "a"}}, {"terms": {"k": ["b", "c"]}}]}}, "size": 0}
{"query": {"terms": {"k": ["c", "a", "b"]}}, "size": 0}

{"query": {"terms": {"k": ["a"]}}, "size": 0}
{"query": {"term": {"k": "a"}}, "size": 0}

{"query": {"bool": {"should": [{"term": {"k": "a"}}, {"exists": {"field": "n"}}], "minimum_should_match": "1"}}}
{"query": {"bool": {"should": [{"exists": {"field": "n"}}, {"term": {"k": "a"}}]}}}

{"query": {"bool": {"must": [{"match_all": {}}], "filter": [{"term": {"k": "a"}}]}}}
{"query": {"bool": {"filter": [{"term": {"k": "a"}}]}}}

{"query": {"geo_distance": {"distance": "12.0 kilometers", "p": [-74, 40.5]}}, "size": 0}
{"query": {"geo_distance": {"distance": "12km", "distance_type": "arc", "p": "40.5,-74"}}, "size": 0}

{"query": {"boosting": {"positive": {"term": {"k": "a"}}, "negative": {"term": {"k": "b"}}, "negative_boost": 0.5}}, "size": 0}
{"query": {"function_score": {"query": {"constant_score": {"filter": {"term": {"k": "a"}}}}, "weight": 2}}, "size": 0}

{"size": 0, "aggs": {"x": {"date_histogram": {"field": "at", "calendar_interval": "1d", "min_doc_count": 0}}}}
{"size": 0, "aggs": {"y": {"date_histogram": {"field": "at", "calendar_interval": "day", "order": {"_key": "asc"}}}}}

{"size": 0, "aggs": {"x": {"filters": {"filters": {"bad": {"term": {"k": "a"}}, "good": {"term": {"k": "b"}}}}}}}
{"size": 0, "aggs": {"x": {"filters": {"filters": [{"term": {"k": "b"}}, {"term": {"k": {"value": "a"}}}]}}}}

{"size": 0, "aggs": {"x": {"range": {"field": "n", "ranges": [{"from": 5, "key": "high"}, {"to": 5}]}}}}
{"size": 0, "aggs": {"x": {"range": {"field": "n", "ranges": [{"to": 5.0}, {"from": 5}]}}}}

{"refusal": {"reason": "no", "missing": ["Age"]}}
{"refusal": {"reason": "there is none", "missing": ["age"]}}

{"size": 0, "aggs": {"g": {"terms": {"field": "k"}, "aggs": {"s": {"sum": {"field": "n"}}}}, "b": {"max_bucket": {"buckets_path": "g>s"}}}}
{"size": 0, "aggs": {"k": {"terms": {"field": "k"}, "aggs": {"all": {"sum": {"field": "n"}}}}, "a": {"max_bucket": {"buckets_path": "k>all"}}}}

{"size": 0, "aggs": {"g": {"terms": {"field": "k"}, "aggs": {"s": {"sum": {"field": "n"}}, "top": {"bucket_sort": {"sort": ["s"], "size": 3.0}}}}}}
{"size": 0, "aggs": {"x": {"terms": {"field": "k"}, "aggs": {"y": {"sum": {"field": "n"}}, "z": {"bucket_sort": {"sort": [{"y": {"order": "asc"}}], "size": 3}}}}}}

{"size": 0, "aggs": {"f": {"filters": {"filters": {"a": {"term": {"k": "a"}}, "b": {"term": {"k": "b"}}}}}, "p": {"max_bucket": {"buckets_path": "f['a']>_count"}}}}
{"size": 0, "aggs": {"f": {"filters": {"filters": {"y": {"term": {"k": "b"}}, "x": {"term": {"k": "a"}}}}}, "p": {"max_bucket": {"buckets_path": "f['x']>_count"}}}}
"""  # noqa: E501

UNEQUAL = """
{"query": {"range": {"n": {"gt": 1}}}}
{"query": {"range": {"n": {"gte": 1}}}}

{"query": {"bool": {"must": [{"match": {"t": "a"}}]}}}
{"query": {"bool": {"filter": [{"match": {"t": "a"}}]}}}

{"size": 5}
{}

{"query": {"bool": {"should": [{"term": {"k": "a"}}, {"term": {"k": "b"}}]}}}
{"query": {"bool": {"must": [{"term": {"k": "a"}}, {"term": {"k": "b"}}]}}}

{"query": {"bool": {"must": [{"term": {"k": "a"}}], "minimum_should_match": 1}}, "size": 0}
{"query": {"bool": {"must": [{"term": {"k": "a"}}]}}, "size": 0}

{"query": {"dis_max": {"queries": [{"bool": {"must": [{"match_all": {}}, {"match": {"t": "a"}}]}}, {"ids": {}}]}}}
{"query": {"dis_max": {"queries": [{"match": {"t": "a"}}, {"ids": {}}]}}}

{"query": {"bool": {"must": [{"match_all": {}}, {"match": {"t": "a"}}]}}, "min_score": 1}
{"query": {"match": {"t": "a"}}, "min_score": 1}

{"query": {"terms": {"k": ["a"]}}}
{"query": {"term": {"k": "a"}}}

{"size": 0, "aggs": {"x": {"date_histogram": {"field": "at", "calendar_interval": "day"}}}}
{"size": 0, "aggs": {"x": {"date_histogram": {"field": "at", "fixed_interval": "1d"}}}}

{"sort": ["n", {"k": "desc"}]}
{"sort": [{"k": "desc"}, "n"]}

{"refusal": {"reason": "no", "missing": ["age"]}}
{"refusal": {"reason": "no", "missing": ["name"]}}

{"query": {"term": {"v": 1.0}}}
{"query": {"term": {"v": 1}}}

{"query": {"terms": {"v": [1.0, "2"]}}}
{"query": {"terms": {"v": [1, "2"]}}}

{"query": {"match": {"t": 1.0}}, "sort": ["n"]}
{"query": {"match": {"t": 1}}, "sort": ["n"]}

{"size": 0, "aggs": {"a": {"terms": {"field": "zz", "missing": 1.0}}}}
{"size": 0, "aggs": {"a": {"terms": {"field": "zz", "missing": 1}}}}

{"min_score": 1.5, "query": {"bool": {"must": [{"range": {"n": {"gte": 3}}}, {"range": {"n": {"lt": 9}}}]}}}
{"min_score": 1.5, "query": {"bool": {"must": [{"range": {"n": {"gte": 3, "lt": 9}}}]}}}

{"size": 0, "aggs": {"g": {"terms": {"field": "k"}, "aggs": {"x": {"max": {"field": "m"}}, "y": {"min": {"field": "n"}}, "s": {"bucket_sort": {"sort": [{"x": "desc"}], "size": 1}}}}}}
{"size": 0, "aggs": {"g": {"terms": {"field": "k"}, "aggs": {"y": {"max": {"field": "m"}}, "x": {"min": {"field": "n"}}, "s": {"bucket_sort": {"sort": [{"x": "desc"}], "size": 1}}}}}}

{"size": 0, "aggs": {"g": {"terms": {"field": "k"}, "aggs": {"f": {"filters": {"filters": {"e": {"range": {"n": {"gte": 20}}}, "w": {"range": {"n": {"gte": 3}}}}}, "aggs": {"c": {"value_count": {"field": "n"}}}}, "s": {"bucket_script": {"buckets_path": {"a": "f['e']>c"}, "script": "params.a"}}}}}}
{"size": 0, "aggs": {"g": {"terms": {"field": "k"}, "aggs": {"f": {"filters": {"filters": {"w": {"range": {"n": {"gte": 20}}}, "e": {"range": {"n": {"gte": 3}}}}}, "aggs": {"c": {"value_count": {"field": "n"}}}}, "s": {"bucket_script": {"buckets_path": {"a": "f['e']>c"}, "script": "params.a"}}}}}}

{"size": 0, "aggs": {"a": {"max": {"field": "m"}}}, "aggregations": {"b": {"min": {"field": "n"}}}}
{"size": 0, "aggs": {"a": {"max": {"field": "m"}}, "b": {"min": {"field": "n"}}}}

{"_source": 1, "size": 1, "sort": ["n"]}
{"size": 1, "sort": ["n"]}

{"from": false}
{}

{"size": 0, "query": {"bool": {"must": [{"match": {"t": "red"}}]}}, "aggs": {"a": {"top_metrics": {"metrics": {"field": "n"}, "sort": {"_score": "desc"}}}}}
{"size": 0, "query": {"bool": {"filter": [{"match": {"t": "red"}}]}}, "aggs": {"a": {"top_metrics": {"metrics": {"field": "n"}, "sort": {"_score": "desc"}}}}}

{"size": 0, "query": {"match": {"t": "red"}}, "aggs": {"a": {"terms": {"field": "k", "order": {"m": "desc"}, "size": 1}, "aggs": {"m": {"max": {"script": {"source": "_score"}}}}}}}
{"size": 0, "query": {"bool": {"filter": [{"match": {"t": "red"}}]}}, "aggs": {"a": {"terms": {"field": "k", "order": {"m": "desc"}, "size": 1}, "aggs": {"m": {"max": {"script": {"source": "_score"}}}}}}}
"""  # noqa: E501


def _pairs(text: str) -> list[tuple[Any, Any]]:
    return [tuple(json.loads(line) for line in pair.splitlines()) for pair in text.strip().split("\n\n")]  # type: ignore[misc]


@pytest.mark.parametrize(("one", "other"), _pairs(EQUAL))
def test_equal_bodies_have_same_canonical_form(one: Any, other: Any) -> None:
    assert canonical_text(json.dumps(one)) == canonical_text(json.dumps(other))


@pytest.mark.parametrize(("one", "other"), _pairs(UNEQUAL))
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


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=body)
@example(value={"query": {"bool": {"must": [{"match_all": {}}], "should": [{"term": {"k": "red"}}]}}})
def test_canonical_form_gives_same_result(run: Any, value: Any) -> None:
    assert compare.same(run(canonical(value)), run(value))
