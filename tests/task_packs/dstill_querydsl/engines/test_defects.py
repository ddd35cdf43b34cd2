"""What public evaluators of executed answers are known to get wrong, each put to this one.

Each test's docstring names an evaluator and what it answers; facts as of their sources in 2026. Bodies are run
on a real engine and judged as `dstill evaluate` does, without test databases, so that the comparison alone decides.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.judging import judge
from dstill.api.records import Draft, Example, Level, Outcome, OutcomeKind, Prediction, Verdict
from dstill_evaluate.metrics import METRICS, ExecutableAccuracy, why_uncounted
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines import Embedded, Http, HttpSettings
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

Body = dict[str, Any]
Judged = Callable[[Body, Body], Verdict]
MAPPING: Body = {
    "properties": {
        "shop": {"type": "keyword"},
        "price": {"type": "integer"},
        "tags": {"type": "keyword"},
        "text": {"type": "text"},
        "sort": {"type": "keyword"},
    }
}
ROWS: list[Body] = [
    {"shop": "a", "price": 1, "tags": ["x", "x", "y"], "text": "order by mail", "sort": "s1"},
    {"shop": "a", "price": 1, "tags": ["x", "y"], "text": "order by phone", "sort": "s2"},
    {"shop": "a", "price": 2, "tags": ["y"], "text": "left", "sort": "s1"},
    {"shop": "b", "price": 1, "tags": [], "text": "order by mail", "sort": "s3"},
    {"shop": "b", "price": 2, "text": "left", "sort": "s2"},
    {"shop": "c", "price": 0, "text": "left", "sort": "s1"},
    {"shop": "c", "text": "left", "sort": "s1"},  # without a price
    {"shop": "d", "text": "left"},
]
INDEX = Index(
    name="shops",
    mapping=MAPPING,
    settings={},
    now="2025-03-27T12:00:00Z",
    documents=lambda: ((f"d{number}", row) for number, row in enumerate(ROWS)),
    recipe="shops 1",
)
CONTEXT: Body = {"index": "shops", "mapping": MAPPING}


class Shops(Embedded):
    def index_of(self, example: Example) -> Index | None:
        return INDEX


TASK = QueryDsl(Settings(corpora=0))


@pytest.fixture(scope="module")
def engine() -> Iterator[Shops]:
    with Shops().open(TASK, Engine()) as opened:
        yield opened


@pytest.fixture
def judged(engine: Shops) -> Judged:
    """``judged(gold, answer)``: the verdict on `answer`, both run."""

    def judged_as(gold: Body, answer: Body) -> Verdict:
        example = Example(id="1", question="which?", context=CONTEXT, answer=json.dumps(gold))
        verdict = judge(TASK, example, Draft(answer=json.dumps(answer)), engine)
        assert not verdict.gold_error
        assert verdict.reached >= Level.EXECUTED, verdict.reason
        return verdict

    return judged_as


def filters(*prices: Body) -> Body:
    """A body that counts the documents of each query, in buckets whose names are its own matter."""
    named = {f"bucket {number}": query for number, query in enumerate(prices)}
    return {"size": 0, "aggs": {"of": {"filters": {"filters": named}}}}


ONE, TWO = {"term": {"shop": "d"}}, {"term": {"shop": "b"}}  # match one document, and two


def test_compares_rows_as_multisets(judged: Judged) -> None:
    """BIRD's execution accuracy (evaluation.py, mini_dev's evaluation_ex.py) compares ``set(rows)`` with ``set(rows)``.

    1, 1, 2 is 1, 2, 2 to it: it calls an answer right that counts one group too few and another one too often.
    """
    gold, answer = filters(ONE, ONE, TWO), filters(ONE, TWO, TWO)
    assert not judged(gold, answer).correct
    assert judged(gold, filters(TWO, ONE, ONE)).correct


def test_compares_field_values_as_multisets(judged: Judged) -> None:
    """The same set comparison, within a row: [x, x, y] would be [x, y]."""
    by_count = {"size": 0, "aggs": {"of": {"terms": {"field": "price"}}}}
    of_prices = {**by_count, "query": {"term": {"shop": "a"}}}  # 1, 1, 2
    once_each = {**by_count, "query": {"term": {"shop": "b"}}}  # 1, 2
    assert not judged(of_prices, once_each).correct


def test_ignores_row_order_without_sort(judged: Judged) -> None:
    """BIRD mini_dev's soft F1 (evaluation_f1.py) holds row i against row i: the same rows, rotated, give it 0.0."""
    gold: Body = {"query": {"exists": {"field": "price"}}}
    rotated = {**gold, "sort": [{"price": "desc"}]}
    assert judged(gold, rotated).correct
    buckets = {"size": 0, "aggs": {"by": {"terms": {"field": "shop"}}}}
    turned = {"size": 0, "aggs": {"by": {"terms": {"field": "shop", "order": {"_key": "desc"}}}}}
    assert judged(buckets, turned).correct
    assert not judged(turned, buckets).correct  # the other way round an order was asked for


def test_null_differs_from_zero(judged: Judged) -> None:
    """Spider 2.0's ``compare_pandas_table`` (evaluate.py) turns every missing value into 0 before it compares.

    The average of no price and a price of 0 are one to it.
    """
    average: Body = {"size": 0, "aggs": {"of": {"avg": {"field": "price"}}}}
    of_nothing, of_zero = ({**average, "query": {"term": {"sort": sort}}} for sort in ("none", "s1"))
    of_zero["query"] = {"bool": {"filter": [{"term": {"shop": "c"}}, {"exists": {"field": "price"}}]}}
    assert not judged(of_zero, of_nothing).correct
    of_d: Body = {"size": 0, "query": {"term": {"shop": "d"}}}  # whose one document has no price
    per_shop = {"by": {"terms": {"field": "shop"}, "aggs": {"of": {"avg": {"field": "price"}}}}}
    as_zero = {"by": {"terms": {"field": "shop"}, "aggs": {"of": {"avg": {"field": "price", "missing": 0}}}}}
    assert not judged({**of_d, "aggs": per_shop}, {**of_d, "aggs": as_zero}).correct
    by_price, none_is_zero = ({"by": {"terms": {"field": "price", **more}}} for more in ({}, {"missing": 0}))
    assert not judged({"size": 0, "aggs": by_price}, {"size": 0, "aggs": none_is_zero}).correct


def test_two_empty_results_are_trivial(judged: Judged) -> None:
    """The test suite of Spider (exec_eval.py, ``result_eq``) returns True where both results are empty; BIRD too.

    Any answer that finds nothing is right then, whatever it asks.
    """
    gold, answer = {"query": {"term": {"shop": "z"}}}, {"query": {"range": {"price": {"gt": 900}}}}
    verdict = judged(gold, answer)
    assert verdict.trivial
    assert why_uncounted(verdict) == "trivial reference"
    assert ExecutableAccuracy()([verdict]).value is None
    assert not judged({"query": {"term": {"shop": "a"}}}, answer).correct
    assert judged({"size": 0, "aggs": {"of": {"max": {"field": "price"}}}, **gold}, answer).trivial


def test_timeout_interrupts_request(
    serve: Callable[..., str], root_replies: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spider's test suite awaits ``asyncio.wait_for`` around a function that never yields; BIRD throws into a thread.

    Neither comes through while the database works: the evaluator waits as long as the query runs. Here the engine
    answers one body not at all until the judgement of it has ended, and the next body at once.
    """
    monkeypatch.setattr("dstill_querydsl.engines.http.GRACE", 2.0)  # seconds beyond the engine's own timeout
    over = threading.Event()
    product = {"x-elastic-product": "Elasticsearch"}
    found = {"total": {"value": 1, "relation": "eq"}, "hits": [{"_id": "d0", "_score": 1.0}]}

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        if path == "/":
            return 200, product, root_replies["Elasticsearch 9"]
        if "_search" in path and b"endless" in body:
            over.wait(60)
        if "_mapping" in path:
            return 200, product, {"shops": {"mappings": MAPPING}}
        return 200, product, {"hits": found, "timed_out": False, "_shards": {"failed": 0}, "count": 8}

    with Http(HttpSettings(index="shops")).open(TASK, Engine(url=serve(answer), timeout=1)) as executor:
        gold = '{"query":{"term":{"shop":"a"}}}'
        example = Example(id="1", question="which?", context=CONTEXT, answer=gold)
        verdict = judge(TASK, example, Draft(answer='{"query":{"term":{"shop":"endless"}}}'), executor)
        assert not over.is_set()
        over.set()
        assert verdict.outcome == OutcomeKind.UNAVAILABLE.value
        assert why_uncounted(verdict) == "unavailable"  # the engine's fault, not the answer's
        assert judge(TASK, example, Draft(answer=gold), executor).correct


def test_words_order_by_in_text_do_not_sort(judged: Judged) -> None:
    """Spider's test suite compares in order where the gold's text holds "order by": in a string as well.

    ``WHERE text = 'order by mail'`` asks for no order, and the same rows in another one are wrong to it.
    """
    gold: Body = {"query": {"match_phrase": {"text": "order by"}}}
    assert judged(gold, {**gold, "sort": [{"price": "asc"}, {"shop": "desc"}]}).correct
    named_sort: Body = {"query": {"term": {"sort": "s1"}}}
    assert judged(named_sort, {**named_sort, "sort": [{"shop": "desc"}]}).correct
    ordered = {**gold, "sort": [{"price": "asc"}, {"shop": "desc"}]}
    turned = {**gold, "sort": [{"price": "desc"}, {"shop": "asc"}]}
    assert not judged({"query": {"match_all": {}}, "sort": [{"shop": "asc"}]}, {"sort": [{"shop": "desc"}]}).correct
    assert judged(ordered, ordered).correct
    assert not judged({**ordered, "size": 2}, {**turned, "size": 2}).correct


def test_compares_aggregations(judged: Judged) -> None:
    """Public evaluators of Query DSL compare hits (elasticsearch-llm-poc: the text of each hit's ``_source``).

    Bodies that only count have none (``size: 0``): any two of them agree. Elasticsearch's own ``_rank_eval``
    rates documents, and refuses aggregations.
    """
    per_shop: Body = {"size": 0, "aggs": {"by": {"terms": {"field": "shop"}}}}
    assert judged(per_shop, {"size": 0, "aggs": {"shops": {"terms": {"field": "shop", "size": 10}}}}).correct
    for other in (
        {"size": 0, "aggs": {"by": {"terms": {"field": "sort"}}}},
        {"size": 0, "aggs": {"by": {"terms": {"field": "shop", "size": 2}}}},
        {"size": 0},
    ):
        assert not judged(per_shop, other).correct
    with_mean: Body = {
        "size": 0,
        "aggs": {"by": {"terms": {"field": "shop"}, "aggs": {"of": {"avg": {"field": "price"}}}}},
    }
    assert judged(per_shop, with_mean).correct  # it shows more
    assert not judged(with_mean, per_shop).correct


def test_verdict_ignores_run_time(engine: Shops) -> None:
    """BIRD's efficiency score (evaluation_ves.py) rewards the gold's seconds over the answer's.

    The gold given as the answer is one query timed twice: it gets 1 or 0.75 as the clock will have it. Here no
    verdict and no metric knows a clock: a slow run and a quick one give the same rows, and the gold is right.
    """

    class Clocked(Executor):
        """The engine, with each run a little later than the one before; it counts what it ran."""

        name = "clocked"

        def execute(self, answer: str, example: Example) -> Outcome:
            ran.append(answer)
            return replace(engine.run(answer, example), reason=f"after {len(ran)} s")

    ran: list[str] = []
    gold, wrong = '{"query":{"term":{"shop":"a"}}}', '{"query":{"term":{"shop":"b"}}}'
    example = Example(id="1", question="which?", context=CONTEXT, answer=gold)
    clocked = Clocked().open(TASK, Engine())
    verdicts = [judge(TASK, example, Draft(answer=text), clocked) for text in (gold, wrong, gold, wrong)]
    assert ran == [gold, gold, gold, wrong] * 2  # what is judged is the answer's own run
    right = [replace(verdict, reason="") for verdict in verdicts]
    assert right[:2] == right[2:]
    assert [verdict.correct for verdict in verdicts] == [True, False, True, False]
    slow = [Prediction(id="1", text=gold, seconds=seconds) for seconds in (0.001, 1000.0)]
    assert len({judge(TASK, example, Draft(answer=one.text), engine) for one in slow}) == 1
    assert all(metric()(right[:2]) == metric()(right[2:]) for metric in METRICS)
