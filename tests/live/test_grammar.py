"""Bodies that a student of random weights writes under the grammar, on real engines: none is refused.

A node of these tests has not every module of its product (the nodes' own list is in ``nodes.py``): a name that it
does not know is counted apart, and is one that the other product, or its distribution, has.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest
from support.random_student import learnt, pack, t5, write, writer
from support.sizes import size

from dstill.api.engine import Engine
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import OutcomeKind
from dstill_querydsl.bundle.indices import NAMES
from dstill_querydsl.engines import Http
from dstill_querydsl.pack import QueryDsl

pytestmark = pytest.mark.live
UNKNOWN = re.compile(r"[Uu]nknown (?:aggregation type|query) \[(\w+)\]")
# Modules that Maven Central does not serve as jars, and x-pack's: their names are no error of a body.
NOT_ON_THE_NODE = {
    "elasticsearch": {"adjacency_matrix", "auto_date_histogram", "bucket_sort", "derivative", "serial_diff",
                      "matrix_stats", "boxplot", "string_stats", "t_test", "top_metrics", "multi_terms", "rate",
                      "normalize", "cumulative_cardinality"},
    "opensearch": {"geo_shape"},
}  # fmt: skip
TOO_MANY_BUCKETS = "guard: refused: the aggregation may make about"
FULL_COUNT = size("BODIES", ci=250, nightly=1_000)
DIALECTS = {"elasticsearch": "elasticsearch9", "opensearch": "opensearch3"}
CASES = [
    # a few bodies in CI, those of each index on one of the two products
    pytest.param(name, product, count, marks=() if count != FULL_COUNT and (i + j) % 2 == 0 else pytest.mark.nightly)
    for i, name in enumerate(NAMES)
    for j, product in enumerate(DIALECTS)
    for count in (60, FULL_COUNT)
]


@pytest.mark.parametrize(("name", "product", "count"), CASES)
def test_engine_accepts_sampled_bodies(name: str, product: str, count: int, request: pytest.FixtureRequest) -> None:
    known, example = pack(name)
    task = QueryDsl(replace(known.config, dialect=DIALECTS[product]))  # type: ignore[arg-type]
    bodies = [
        one.text
        for one in write(writer(t5(learnt()), learnt()), ConstrainedOutput.of(task).grammar(example), count, seed=3)
    ]
    counts: Counter[str] = Counter()
    refused = []
    with Http().open(task, Engine(url=request.getfixturevalue(f"{product}_url"), load_data=True)) as executor:
        for body in bodies:
            if task.is_refusal(body):
                counts["refusal"] += 1
                continue
            outcome = executor.run(body, example)
            unknown = UNKNOWN.search(outcome.reason)
            if TOO_MANY_BUCKETS in outcome.reason:  # how many there are depends on the data, which no grammar knows
                counts["too many buckets"] += 1
            elif unknown and unknown[1] in NOT_ON_THE_NODE[product]:
                counts["not on this node"] += 1
            elif outcome.kind is OutcomeKind.OK:
                counts["ok"] += 1
            else:
                refused.append((outcome.kind, outcome.reason, body))
        print(f"{name}, {count} bodies, {executor.label}: {dict(counts)}, {len(refused)} refused")
    assert not refused
    queries = count - counts["refusal"]  # which the grammar allows too
    assert queries > count / 3
    assert counts["ok"] > queries / 2
