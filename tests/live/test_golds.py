"""The bundled indices and golds of the synthesizer, on real engines as on the embedded one.

This is also how ``dstill demo --engine-url`` runs: the executor `http` writes the bundled index
to one made for it, and removes it at the end. A few documents and golds of each index are quick;
the slow part takes all documents and more golds of each, schema variants among them.
"""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from support.field_counts import counts_in_documents, counts_in_engine

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, OutcomeKind
from dstill_querydsl.bundle.indices import CEILING, NAMES, bundled
from dstill_querydsl.engines import Embedded, Http, HttpEngine, HttpSettings
from dstill_querydsl.language.results import compare
from dstill_querydsl.language.results.refusal import is_refusal
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates import Rules, questions
from dstill_querydsl.settings import Settings

pytestmark = pytest.mark.live
PRODUCTS = ("elasticsearch", "opensearch")

# Gold → why its result may differ between the embedded engine and a real one.
BY_BOX_OFFICE = (
    '{"size":0,"query":{"bool":{"filter":[{"range":{"released":{"gte":"2007-05-05"}}}]}},'
    '"aggs":{"groups":{"terms":{"field":"countries.keyword","size":12,"order":{"value":"desc"}},'
    '"aggs":{"value":{"avg":{"field":"box_office"}}}}}}'
)
DIFFERENT = {BY_BOX_OFFICE: "Elasticsearch sorts a country none of whose films has a box office before all others"}
# What a gold may hold that a real node of the tests has not → why.
UNSUPPORTED_BY_ENGINE: dict[str, str] = {}


@dataclass(frozen=True)
class Sample:
    documents: int
    questions: int


SAMPLES = [
    pytest.param(Sample(documents=300, questions=24), id="small"),
    pytest.param(Sample(documents=2_000, questions=200), id="large", marks=pytest.mark.nightly),
]


@cache
def golds(name: str, sample: Sample) -> tuple[Example, ...]:
    made = questions(bundled(name, sample.documents), n=sample.questions, seed=11, rules=Rules())
    # A mapping in the context is the index' own with orders written into it: without it the documents are here.
    return tuple(
        replace(example, context={key: value for key, value in example.context.items() if key != "mapping"})
        for example in made
        if not is_refusal(json.loads(example.answer or ""))
    )


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


@pytest.fixture(scope="module")
def task(sample: Sample) -> QueryDsl:
    return QueryDsl(Settings(documents=sample.documents))


@pytest.fixture(scope="module")
def embedded(task: QueryDsl) -> Iterator[Executor]:
    with Embedded().open(task, Engine()) as executor:
        yield executor


@pytest.fixture(scope="module")
def real_executors(task: QueryDsl, request: pytest.FixtureRequest) -> Iterator[dict[str, Executor]]:
    """Each opened when a test asks for it; what it loaded is gone afterwards."""
    opened: dict[str, Executor] = {}
    yield opened
    for executor in opened.values():
        executor.close()


@pytest.fixture
def real(product: str, task: QueryDsl, real_executors: dict[str, Executor], request: pytest.FixtureRequest) -> Executor:
    if product not in real_executors:
        url = request.getfixturevalue(f"{product}_url")
        real_executors[product] = Http().open(task, Engine(url=url, load_data=True))
    return real_executors[product]


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("name", NAMES)
def test_golds_have_same_result(name: str, product: str, sample: Sample, real: Executor, embedded: Executor) -> None:
    assert real.label.lower().startswith(product)
    counts: Counter[str] = Counter()
    different, refused = [], []
    for example in golds(name, sample):
        answer = example.answer or ""
        ours, theirs = (executor.run(answer, example) for executor in (embedded, real))
        if theirs.kind is OutcomeKind.INVALID and any(part in answer for part in UNSUPPORTED_BY_ENGINE):
            counts["not on this node"] += 1
        elif ours.kind is not OutcomeKind.OK or theirs.kind is not OutcomeKind.OK:
            refused.append((answer, f"{ours.kind}: {ours.reason}", f"{theirs.kind}: {theirs.reason}"))
        elif "percentiles" in answer:
            counts["not compared"] += 1  # of few values each engine interpolates in its own way
        elif compare.same(ours.value, theirs.value, relevance="set"):
            counts["the same"] += 1
        elif answer in DIFFERENT:
            counts["listed"] += 1
        else:
            different.append(answer)
    print(f"{name}, {sample.documents} documents, {real.label}: {dict(counts)}, {len(different)} different, "
          f"{len(refused)} refused by one")  # fmt: skip
    assert counts["the same"] > sample.questions / 2
    assert not different
    assert not refused


ALL_PAIRS = [(name, product) for name in NAMES for product in ("embedded", *PRODUCTS)]
# each index once
IN_CI = {(name, PRODUCTS[number % 2]) for number, name in enumerate(sorted(NAMES))}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "product"),
    [pytest.param(*pair, marks=() if pair in IN_CI else pytest.mark.nightly) for pair in ALL_PAIRS],
)
def test_strict_mapping_accepts_every_document(name: str, product: str, engines: dict[str, HttpEngine]) -> None:
    index, engine = bundled(name, CEILING), engines[product]
    there = f"dstill-{name}-{secrets.token_hex(4)}"
    count = engine.index(there, index.mapping, index.documents(), index.settings)
    assert count == engine.count(there) == sum(1 for _ in index.documents())
    mapping = engine.mapping(there)
    assert mapping["dynamic"] == "strict"
    assert mapping["_meta"]["now"] == index.now
    assert mapping["properties"].keys() == index.mapping["properties"].keys()
    assert counts_in_engine(engine, there, index) == counts_in_documents(index)


def test_removes_loaded_data(opensearch_url: str) -> None:
    def indices() -> Any:
        with urllib.request.urlopen(f"{opensearch_url}/_cat/indices?format=json", timeout=60) as reply:
            return {row["index"] for row in json.load(reply)}

    task = QueryDsl(Settings(documents=100))
    gold = '{"query":{"term":{"http.response.status_code":200}}}'
    example = Example(id="1", question="?", context={"index": "weblogs"}, answer=gold)
    with Http().open(task, Engine(url=opensearch_url, load_data=True)) as executor:
        executor.run(gold, example)
        [mine] = [place.name for place in executor._places.values()]  # other workers' tests load weblogs, too
        assert mine.startswith("dstill-weblogs-")
        assert mine in indices()
        # … and can be read meanwhile by whoever knows its name, without a right to write
        with Http(HttpSettings(index=mine)).open(task, Engine(url=opensearch_url)) as reader:
            there, here = (one.run(gold, example) for one in (reader, executor))
            assert compare.same(there.value, here.value)
    assert mine not in indices()
