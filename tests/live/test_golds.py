"""The bundled index and the synthesizer's golds, on real engines as on the embedded one.

This is also how ``dstill demo --engine-url`` runs: the executor `http` writes the bundled index
to one made for it, and removes it at the end.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Iterator

import pytest

from dstill.parts import Engine, Executor
from dstill.records import Example, OutcomeKind
from dstill_querydsl import compare
from dstill_querydsl.engines import Embedded, Http
from dstill_querydsl.pack import QueryDsl, Settings

pytestmark = pytest.mark.live
QUESTIONS = 120


@pytest.fixture(scope="module")
def task() -> QueryDsl:
    return QueryDsl(Settings(documents=1_000))


@pytest.fixture(scope="module")
def golds(task: QueryDsl) -> list[Example]:
    made = task.synthesize({}, QUESTIONS, 11)
    return [example for example in made if example.answer and not task.is_refusal(example.answer)]


@pytest.fixture(scope="module")
def embedded(task: QueryDsl) -> Iterator[Executor]:
    with Embedded().open(task, Engine()) as executor:
        yield executor


@pytest.mark.parametrize("product", ["elasticsearch", "opensearch"])
def test_golds_have_the_same_result(
    request: pytest.FixtureRequest, task: QueryDsl, golds: list[Example], embedded: Executor, product: str
) -> None:
    url = request.getfixturevalue(f"{product}_url")
    different, refused = [], []
    with Http().open(task, Engine(url=url, load_data=True)) as real:
        assert real.label.lower().startswith(product)
        for example in golds:
            ours, theirs = (executor.run(example.answer or "", example) for executor in (embedded, real))
            if OutcomeKind.OK not in (ours.kind, theirs.kind) or ours.kind is not theirs.kind:
                refused.append((example.answer, f"{ours.kind}: {ours.reason}", f"{theirs.kind}: {theirs.reason}"))
            elif "percentiles" in (example.answer or ""):
                continue  # of few values each engine interpolates in its own way
            elif not compare.same(ours.value, theirs.value, relevance="set"):
                different.append(example.answer)
    print(f"{len(golds)} golds on {real.label}: {len(different)} different, {len(refused)} refused by one")
    assert not different
    assert not refused


def test_data_that_was_loaded_is_gone_afterwards(task: QueryDsl, golds: list[Example], opensearch_url: str) -> None:
    def indices() -> Any:
        with urllib.request.urlopen(f"{opensearch_url}/_cat/indices?format=json", timeout=10) as reply:
            return {row["index"] for row in json.load(reply)}

    with Http().open(task, Engine(url=opensearch_url, load_data=True)) as executor:
        executor.run(golds[0].answer or "", golds[0])
        mine = [name for name in indices() if name.startswith("dstill-weblogs-")]
        assert len(mine) == 1
        # … and can be read meanwhile by whoever knows its name, without a right to write
        with Http().open(task, Engine(url=opensearch_url, index=mine[0])) as reader:
            there, here = (one.run(golds[0].answer or "", golds[0]) for one in (reader, executor))
            assert compare.same(there.value, here.value)
    assert not [name for name in indices() if name.startswith("dstill-weblogs-")]
