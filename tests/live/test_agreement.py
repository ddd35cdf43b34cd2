"""Agreement of the embedded engine with four real ones, over third-party cases.

Every case runs on each real node, through the client that scoring uses, on its own documents.
Three comparisons: what the case asserts (its own checker), what the same engine's stored answer
says, and whether the embedded engine's result is the same by the pack's own comparison. The
table is printed (``-s``); every difference is listed by name, with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.exec_cases import CASES, Runner, load, load_checker, rows, same_reply
from support.sizes import size

from dstill.api.engine import Engine
from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.engines import EmbeddedEngine, HttpEngine
from dstill_querydsl.language.results import compare

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(not CASES.is_dir(), reason="the third-party cases are not here"),
]

EVERY = size("CASES_STEP", ci=16, nightly=1)  # of the cases, every n-th
DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch3", "opensearch2")
# id of a case → why the embedded engine's result may differ from a real one's
DIFFERENT: dict[str, str] = {}
# id of a case → why its order by relevance may differ
OTHER_ORDER = {
    "e-e9d1a58110": "a page of 10 of 69 ends inside a tie of scores: real engines differ among themselves",
    "e-7e16b6792f": "the same body once more",
}


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    return load()[::EVERY]


@pytest.fixture(scope="module")
def embedded(cases: list[dict[str, Any]]) -> Iterator[dict[str, Outcome]]:
    with EmbeddedEngine() as engine:
        runner = Runner(engine)
        yield {case["id"]: runner.run(case) for case in cases}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_embedded_and_real_engines_agree_on_cases(
    url_of: Callable[[str], str], cases: list[dict[str, Any]], embedded: dict[str, Outcome], dialect: str
) -> None:
    stored = {row["id"]: row for row in rows("engine_answers.jsonl")}
    counts: Counter[str] = Counter()
    wrong, other, reordered, refused, unlike = {}, [], [], {}, []
    with HttpEngine(Engine(url=url_of(dialect)), writable=True) as engine:
        assert engine.capabilities.dialect == dialect
        name = str(engine.capabilities)
        runner = Runner(engine)
        for case in cases:
            ours, real = embedded[case["id"]], runner.run(case)
            if real.kind is not OutcomeKind.OK:
                refused[case["id"]] = real.reason
                counts["refused by the real one"] += 1
                continue
            if bad := load_checker().check(case, real.raw):
                wrong[case["id"]] = bad
            answer = stored[case["id"]].get("answer", {})
            if stored[case["id"]]["agree"] and "hits" in answer and not same_reply(real.raw, answer, case["query"]):
                unlike.append(case["id"])
            if ours.kind is not OutcomeKind.OK:
                counts["declared unsupported"] += 1
            elif compare.same(ours.value, real.value, relevance="set"):
                counts["the same"] += 1
                if not compare.same(ours.value, real.value):
                    reordered.append(case["id"])
            else:
                counts["different"] += 1
                other.append(case["id"])
    print(f"\n{name}: {dict(counts)}; real one wrong {wrong}; other order by relevance {reordered}; different {other}")
    assert not wrong
    assert not unlike
    assert set(other) <= set(DIFFERENT)
    assert set(reordered) <= set(OTHER_ORDER)
    assert counts["different"] <= 0.05 * (counts["the same"] + counts["different"])
    # what it refuses now is what it refused when the answers were stored: modules that are not to be had
    assert set(refused) == {id for id in embedded if name in stored[id]["refused_by"]}
