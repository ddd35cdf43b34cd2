"""The canonical form: equal spellings meet in it, and canonically equal bodies have equal results."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.sizes import size
from support.spellings import MAPPING, SPELLINGS, body, documents, step

from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill_querydsl.engines import Embedded
from dstill_querydsl.language.canonical import canonical, canonical_text
from dstill_querydsl.language.results import compare

N_DATABASES, EXAMPLES = 5, size("EXAMPLES", ci=60, nightly=600)
seeds = st.integers(0, 10**9)
OPTIONAL = {"query": {"bool": {"must": [{"match_all": {}}], "should": [{"term": {"k": "red"}}]}}}
few_examples = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def run(executor: Embedded) -> Any:
    """`run(body, n)` is the body's value on the n-th test database."""
    examples = [
        Example(
            id=str(seed),
            question="",
            context={
                "index": "small",
                "mapping": MAPPING,
                "test_database": TestDatabase(name=str(seed), data={"documents": documents(seed)}),
            },
        )
        for seed in range(N_DATABASES)
    ]

    def value(answer: Any, number: int) -> Any:
        # not `run`: what is canonical must hold for bodies that the guard refuses, too
        outcome = executor.execute(json.dumps(answer), examples[number])
        # a canonical form may be nested deeper than its body; only bodies are run, so it has no limit of its own
        assume(outcome.reason != "nested more than 20 deep")
        assert outcome.kind is OutcomeKind.OK, (outcome.reason, answer)
        return outcome.value

    return value


@pytest.mark.slow
@few_examples
@given(seeds, st.integers(0, N_DATABASES - 1))
def test_canonical_form_gives_same_result(run: Any, seed: int, database: int) -> None:
    for one in (body(random.Random(seed)), OPTIONAL):
        assert compare.same(run(canonical(one), database), run(one, database))


@pytest.mark.slow
@few_examples
@given(seeds, st.integers(0, N_DATABASES - 1), st.integers(1, 4))
def test_canonically_equal_bodies_have_same_result(run: Any, seed: int, database: int, steps: int) -> None:
    draw = random.Random(seed)
    one = other = body(draw)
    for _ in range(steps):
        other = step(other, draw)
    assume(other != one and canonical(other) == canonical(one))
    assert compare.same(run(other, database), run(one, database)), (one, other)


@given(seeds)
@settings(max_examples=150)
def test_canonical_form_is_idempotent(seed: int) -> None:
    once = canonical(body(random.Random(seed)))
    assert canonical(once) == once


@pytest.mark.slow
def test_other_spellings_have_same_canonical_form() -> None:
    met: Counter[str] = Counter()
    of: Counter[str] = Counter()
    apart: dict[str, Any] = {}
    for seed in range(400):
        draw = random.Random(seed)
        one = body(draw)
        for name, spelling in SPELLINGS.items():
            other = spelling(one, draw)
            if other is None or json.dumps(other) == json.dumps(one):
                continue
            of[name] += 1
            met[name] += canonical(other) == canonical(one)
            if canonical(other) != canonical(one):
                apart.setdefault(name, (one, other))
    for name in SPELLINGS:
        print(f"{name}: {met[name]} of {of[name]}")
        assert of[name] >= 5, name
    assert met == of, apart


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
