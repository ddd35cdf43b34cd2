"""When two results are the same, by the gold's body; checked on hand-made values and on a real engine."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.api.records import OutcomeKind
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.language.results import compare

Value = dict[str, Any]


def value(  # noqa: PLR0913  # a reply has as many parts
    body: Value,
    ids: str = "",
    *,
    sort: list[Any] | None = None,
    scores: list[float] | None = None,
    total: int | None = None,
    matched: str | None = None,
    after: Any = None,
    aggregations: Any = None,
    fields: dict[str, Any] | None = None,
) -> Value:
    """A value as `observe` makes it; ids are single letters."""
    hits: list[Value] = [{"id": name} for name in ids]
    for position, hit in enumerate(hits):
        if sort is not None:
            hit["sort"] = [sort[position]]
        if scores is not None:
            hit["score"] = scores[position]
        if fields is not None:
            hit["fields"] = fields[hit["id"]]
    everything = sorted(ids if matched is None else matched)
    return {
        "body": body,
        "total": None if total == -1 else {"value": len(everything) if total is None else total, "relation": "eq"},
        "hits": hits,
        "aggregations": aggregations,
        "matched": {"count": len(everything), "digest": hashlib.sha256("\n".join(everything).encode()).hexdigest()},
        "next": None if after is None else [after],
    }


ANY: Value = {"query": {"match_all": {}}}
TOP: Value = {"sort": ["n"], "size": 3}
NEWEST: Value = {"sort": ["n"]}

SAME: dict[str, tuple[Value, Value]] = {
    "order does not matter without a sort": (value(ANY, "cab"), value(ANY, "abc")),
    "a larger page than the gold's own ten": (value({"size": 50}, "abcdef"), value(ANY, "abc", matched="abcdef")),
    "a smaller one, where no number was asked": (
        value({**NEWEST, "size": 2}, "ab", sort=[1, 2], matched="abc"),
        value(NEWEST, "abc", sort=[1, 2, 3]),
    ),
    "ties in another order": (value(TOP, "bac", sort=[1, 1, 2]), value(TOP, "abc", sort=[1, 1, 2])),
    "a tie breaker more than the gold": (
        {**value(TOP, "bac"), "hits": [{"id": i, "sort": [1, i]} for i in "bac"]},
        value(TOP, "abc", sort=[1, 1, 1]),
    ),
    "another of the tie that the page cuts": (
        value(TOP, "abd", sort=[1, 2, 3], matched="abcd"),
        value(TOP, "abc", sort=[1, 2, 3], matched="abcd", after=3),
    ),
    "sorted, where no order was asked": (value(NEWEST, "cba", sort=[1, 2, 3]), value(ANY, "abc")),
    "no score where the order is by score but the page is whole": (
        value(ANY, "abc", scores=[0, 0, 0]),
        value(ANY, "cba", scores=[3, 2, 1]),
    ),
    "hits next to aggregations, not requested": (
        value({"size": 0, "aggs": {"x": {"avg": {}}}}, "", aggregations={"x": {"value": 2}}, total=3),
        value({"aggs": {"y": {"avg": {}}}}, "abc", aggregations={"y": {"value": 2}}),
    ),
    "a count": (value({"size": 0}, "", total=7, matched="abcdefg"), value({"size": 0}, "", total=7, matched="abcdefg")),
}
DIFFERENT: dict[str, tuple[Value, Value]] = {
    "one document more": (value(ANY, "abcd"), value(ANY, "abc")),
    "the same page of other documents": (value(ANY, "abc", matched="abcx"), value(ANY, "abc", matched="abcd")),
    "order, where it was asked": (value(TOP, "bac", sort=[2, 1, 3]), value(TOP, "abc", sort=[1, 2, 3])),
    "ten where a hundred were asked": (
        value({}, "abc", matched="abcdef"),
        value({"size": 100}, "abcdef"),
    ),
    "page 2": (value({**TOP, "from": 3}, "def", sort=[4, 5, 6]), value({**TOP, "from": 0}, "abc", sort=[1, 2, 3])),
    "no hits where hits were asked": (value({"size": 0}, "", matched="abc"), value(ANY, "abc")),
    "a tie that the page does not cut": (
        value(TOP, "abd", sort=[1, 2, 3], matched="abcd"),
        value(TOP, "abc", sort=[1, 2, 3], matched="abcd", after=4),
    ),
    "everything newest first, of other documents": (
        value(NEWEST, "abc", sort=[1, 2, 3], matched="abcxyz"),
        value(NEWEST, "abc", sort=[1, 2, 3], matched="abcuvw"),
    ),
    "relevance": (
        value({"size": 2}, "ba", scores=[1, 1], matched="abc"),
        value({"size": 2}, "ab", scores=[3, 2], matched="abc"),
    ),
    "a total": (
        value({"size": 0, "track_total_hits": True}, "", total=8),
        value({"size": 0, "track_total_hits": True}, "", total=7),
    ),
    "a total that was not counted": (
        value({"size": 0, "track_total_hits": False}, "", total=-1),
        value({"size": 0, "track_total_hits": True}, "", total=7),
    ),
    "no aggregation": (value(ANY, ""), value({"aggs": {"y": {"avg": {}}}}, "", aggregations={"y": {"value": 2}})),
}


@pytest.mark.parametrize("case", SAME)
def test_equal_results(case: str) -> None:
    got, want = SAME[case]
    assert compare.same(got, want)


@pytest.mark.parametrize("case", DIFFERENT)
def test_different_results(case: str) -> None:
    got, want = DIFFERENT[case]
    assert not compare.same(got, want)


def test_relevance_order_can_be_ignored() -> None:
    got, want = DIFFERENT["relevance"]
    assert compare.same(got, want, relevance="set")


def test_compares_requested_fields() -> None:
    asked = {"_source": ["x"]}
    gold = value(asked, "ab", fields={"a": {"x": [1]}, "b": {"x": [2]}})
    assert compare.same(value({"fields": ["x"]}, "ba", fields={"a": {"x": [1]}, "b": {"x": [2]}}), gold)
    assert not compare.same(value(asked, "ab", fields={"a": {"x": [1], "y": [0]}, "b": {"x": [2]}}), gold)
    assert not compare.same(value({}, "ab"), gold)
    assert compare.same(gold, value({}, "ab"))


# --- arbitrary and trivial references --------------------------------------------------------


def test_cut_inside_tie_is_arbitrary() -> None:
    assert compare.is_nondeterministic(value(TOP, "abc", sort=[1, 2, 3], matched="abcd", after=3))
    assert not compare.is_nondeterministic(value(TOP, "abc", sort=[1, 2, 3], matched="abcd", after=4))
    assert not compare.is_nondeterministic(value(TOP, "abc", sort=[1, 1, 1]))
    assert compare.is_nondeterministic(value({"size": 2}, "ab", scores=[1, 1], matched="abc"))
    assert not compare.is_nondeterministic(value({"size": 2}, "ab", scores=[2, 1], matched="abc"))
    assert not compare.is_nondeterministic(value(ANY, "ab", scores=[1, 1], matched="abc"))
    assert not compare.is_nondeterministic(value({"size": 0}, "", matched="abc"))


@pytest.mark.parametrize(
    ("gold", "trivial"),
    [
        (value(ANY, ""), True),
        (value(ANY, "abc"), True),
        (value(ANY, "ab"), False),
        (value(ANY, "abc", scores=[3, 2, 1]), False),
        (value(TOP, "abc", sort=[1, 2, 3]), False),
        (value({**TOP, "from": 90}, "", matched="abc"), True),
        (value({"size": 0, "track_total_hits": True}, "", matched="abc"), True),
        (value({"size": 0, "track_total_hits": True}, "", matched="ab"), False),
        (value({"size": 0, "aggs": {"x": {"avg": {}}}}, "", aggregations={"x": {"value": None}}), True),
        (value({"size": 0, "aggs": {"x": {"avg": {}}}}, "", aggregations={"x": {"value": 0.0}}), False),
        (value({"size": 0, "aggs": {"x": {"sum": {}}}}, "", aggregations={"x": {"value": 0.0}}), True),
        (value({"size": 0, "aggs": {"x": {"stats": {}}}}, "", aggregations={"x": {"count": 0, "sum": 0}}), True),
        (value({"size": 0, "aggs": {"x": {"terms": {}}}}, "", aggregations={"x": {"buckets": []}}), True),
        (
            value(
                {"size": 0, "aggs": {"x": {"terms": {}}}},
                aggregations={"x": {"buckets": [{"key": "a", "doc_count": 1}]}},
            ),
            False,
        ),
    ],
)
def test_trivial_gold(gold: Value, trivial: bool) -> None:
    assert compare.is_trivial(gold, 3) is trivial


# --- aggregations -----------------------------------------------------------------------


def aggregated(request: Value, reply: Value) -> Value:
    return value({"size": 0, "aggs": request}, aggregations=reply)


def terms(*buckets: tuple[str, int], **body: Any) -> Value:
    found = [{"key": key, "doc_count": count} for key, count in buckets]
    return aggregated({"x": {"terms": {"field": "f", **body}}}, {"x": {"buckets": found, "sum_other_doc_count": 4}})


def test_compares_requested_bucket_order() -> None:
    plain, flipped = terms(("a", 2), ("b", 2)), terms(("b", 2), ("a", 2))
    assert compare.same(flipped, plain)
    assert not compare.same(flipped, terms(("a", 2), ("b", 2), order={"_key": "asc"}))
    assert not compare.same(terms(("a", 2)), plain)
    assert not compare.same(terms(("a", 2), ("b", 3)), plain)


def test_only_approximate_metrics_have_tolerance() -> None:
    def metric(kind: str, number: float) -> Value:
        return aggregated({"x": {kind: {"field": "f"}}}, {"x": {"value": number, "value_as_string": str(number)}})

    assert compare.same(metric("cardinality", 1003), metric("cardinality", 1000))
    assert not compare.same(metric("cardinality", 6), metric("cardinality", 5))
    assert not compare.same(metric("sum", 1003), metric("sum", 1000))
    assert compare.same(metric("sum", 0.1 + 0.2), metric("sum", 0.3))


def test_ignores_names_of_composites_filters_and_ranges() -> None:
    def composite(name: str) -> Value:
        request = {"composite": {"sources": [{name: {"terms": {"field": "f"}}}]}}
        return aggregated(
            {"x": request}, {"x": {"after_key": {name: "a"}, "buckets": [{"key": {name: "a"}, "doc_count": 2}]}}
        )

    def ranges(key: str) -> Value:
        buckets = [{"key": key, "from": 1.0, "from_as_string": "1.0", "doc_count": 3}]
        return aggregated({"x": {"range": {"ranges": [{"from": 1}]}}}, {"x": {"buckets": buckets}})

    def filters(*names: str) -> Value:
        return aggregated(
            {"x": {"filters": {"filters": {}}}},
            {"x": {"buckets": {name: {"doc_count": count} for count, name in enumerate(names)}}},
        )

    assert compare.same(composite("p"), composite("q"))
    assert compare.same(ranges("low"), ranges("1.0-*"))
    assert compare.same(filters("a", "b"), filters("c", "d"))
    assert not compare.same(filters("a"), filters("a", "b"))


numbers = st.integers(0, 5) | st.floats(-3, 3, allow_nan=False)


@st.composite
def results(draw: st.DrawFn, depth: int = 2) -> tuple[Value, Value]:
    """Aggregations and a reply to them: metrics, single buckets and terms, some levels deep."""
    request, reply = {}, {}
    for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(["avg", "max", "filter", "terms"] if depth else ["avg", "max"]))
        request[name] = {kind: {}}
        if kind in ("avg", "max"):
            reply[name] = {"value": draw(numbers)}
            continue
        inner, _ = draw(results(depth - 1))
        request[name]["aggs"] = inner
        keys = draw(st.lists(st.integers(0, 9), max_size=3, unique=True)) if kind == "terms" else [0]
        buckets = [{"key": key, "doc_count": draw(numbers), **filled(inner, draw)} for key in keys]
        reply[name] = {"buckets": buckets} if kind == "terms" else {**buckets[0], "key": None}
    return request, reply


def filled(request: Value, draw: st.DrawFn) -> Value:
    """A reply to `request` with numbers of its own."""
    reply = {}
    for name, one in request.items():
        inner = filled(one.get("aggs", {}), draw)
        numbered = {"doc_count": draw(numbers), **inner}
        reply[name] = (
            {"buckets": [{"key": 1, **numbered}]} if "terms" in one else numbered if inner else {"value": draw(numbers)}
        )
    return reply


def renamed(request: Value) -> Value:
    """The same aggregations under other names, in another order."""
    return {
        f"z{name}": {key: renamed(part) if key == "aggs" else part for key, part in one.items()}
        for name, one in reversed(request.items())
    }


def renamed_reply(request: Value, reply: Value, rng: random.Random) -> Value:
    """The reply to `renamed` aggregations, buckets in another order."""
    return {f"z{name}": _again(one.get("aggs", {}), reply[name], rng) for name, one in request.items()}


def _again(inner: Value, reply: Value, rng: random.Random) -> Value:
    if "buckets" in reply:
        return {"buckets": [_again(inner, one, rng) for one in rng.sample(reply["buckets"], len(reply["buckets"]))]}
    return {key: part for key, part in reply.items() if key not in inner} | renamed_reply(inner, reply, rng)


@settings(max_examples=150)
@given(results(), st.randoms(use_true_random=False))
def test_ignores_names_and_order(result: tuple[Value, Value], rng: random.Random) -> None:
    want = aggregated(*result)
    got = aggregated(renamed(result[0]), renamed_reply(*result, rng))
    assert compare.same(want, want)
    assert compare.same(got, want)
    assert compare.same(want, got)


@settings(max_examples=100)
@given(results(), st.data())
def test_detects_changed_number_anywhere(result: tuple[Value, Value], data: st.DataObject) -> None:
    want = aggregated(*result)
    text = json.dumps(want["aggregations"])
    changed = json.loads(text)
    places = list(leaves(changed))
    holder, key = data.draw(st.sampled_from(places)) if places else ({"value": 0}, "value")
    holder[key] += 1
    assert compare.same({**want, "aggregations": changed}, want) is (not places)


def leaves(tree: Any) -> Iterator[tuple[Any, str]]:
    if isinstance(tree, dict):
        for key, inner in tree.items():
            if key in ("value", "doc_count"):
                yield tree, key
            yield from leaves(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from leaves(inner)


# --- on a real engine -------------------------------------------------------------------

LEVELS = ("error", "warn", "info")


@pytest.fixture(scope="module")
def engine(engine: HttpEngine) -> HttpEngine:
    mapping = {"properties": {"level": {"type": "keyword"}, "n": {"type": "integer"}, "text": {"type": "text"}}}
    docs = [(f"d{n:02}", {"level": LEVELS[n % 3], "n": n // 2, "text": "x " * (n % 4)}) for n in range(40)]
    engine.index("dstill-compare", mapping, docs)
    return engine


def result_of(engine: HttpEngine, body: Value) -> Value:
    outcome = observe(lambda one: engine.search("dstill-compare", one), body)
    assert outcome.kind is OutcomeKind.OK, outcome.reason
    found: Value = outcome.value
    return found


clauses = st.one_of(
    st.sampled_from(LEVELS).map(lambda level: {"term": {"level": level}}),
    st.integers(0, 20).map(lambda n: {"range": {"n": {"gte": n}}}),
    st.integers(0, 20).map(lambda n: {"range": {"n": {"lt": n}}}),
)
queries = st.lists(clauses, min_size=1, max_size=3)
outputs = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(0, 15),
        "sort": st.sampled_from([[{"n": "desc"}], [{"level": "asc"}, {"n": "asc"}], ["n"]]),
        "track_total_hits": st.booleans(),
        "aggs": st.just({"a": {"terms": {"field": "level"}, "aggs": {"b": {"sum": {"field": "n"}}}}}),
    },
)


@settings(max_examples=40)
@given(queries, outputs)
def test_other_spelling_has_same_result(engine: HttpEngine, parts: list[Any], output: Value) -> None:
    want = result_of(engine, {"query": {"bool": {"filter": parts}}, **output})
    turned = {"query": {"constant_score": {"filter": {"bool": {"must": parts[::-1]}}}}, **output}
    assert compare.same(want, want)
    assert compare.same(result_of(engine, turned), want)


@settings(max_examples=40)
@given(queries, queries)
def test_results_are_equal_iff_matches_are_equal(engine: HttpEngine, first: list[Any], second: list[Any]) -> None:
    """Matches are compared by requesting all documents at once, without the rules of the comparison."""
    bodies = [{"query": {"bool": {"filter": parts}}} for parts in (first, second)]
    ids = [{hit["id"] for hit in result_of(engine, {**body, "size": 100})["hits"]} for body in bodies]
    got, want = (result_of(engine, body) for body in bodies)
    assert compare.same(got, want) is (ids[0] == ids[1])
