"""What a student of random weights writes under the grammar, at temperature 1: all of it valid, most of the list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.random_student import WIDE, index_of, learnt, pack, t5, write, writer
from support.sizes import first_quick, size

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Draft, Outcome, OutcomeKind
from dstill_querydsl.bundle.indices import NAMES
from dstill_querydsl.engines import Embedded, EmbeddedEngine
from dstill_querydsl.engines.embedded import LoadedIndex
from dstill_querydsl.engines.parity_guard import search_if_supported
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard.aggregations import AGGREGATIONS
from dstill_querydsl.language.guard.queries import QUERIES
from dstill_querydsl.language.mapping.needs import AGGREGATION_NEEDS, NEEDS

ALL = (*NAMES, WIDE)
BODIES, COVERING = size("BODIES", ci=100, nightly=1_000), 6_000  # the second at most
ENOUGH = 0.8  # of what there is to cover
# Queries and aggregations that name fields otherwise than by their own name, and which.
_BY = {
    **dict.fromkeys(("span_near", "span_or", "span_not", "span_first", "span_multi", "span_containing",
                     "span_within", "field_masking_span"), "span_term"),
}  # fmt: skip
_OF_NESTED = {"nested", "reverse_nested"}
_ALIASES = {"span_field_masking"}


def sampled(name: str, count: int, seed: int = 1) -> list[str]:
    task, example = pack(name)
    written = write(writer(t5(learnt()), learnt()), ConstrainedOutput.of(task).grammar(example), count, seed)
    assert not any(one.truncated for one in written)
    return [one.text for one in written]


def possible_operators(name: str) -> set[str]:
    """Of the guard's list: what the mapping has a field for."""
    task, example = pack(name)
    profile = task.index_profile(example)
    fields: Fields = profile.fields
    nested = any(field.type == "nested" for field in fields)

    def is_possible(operator: str, needs: Any) -> bool:
        need = needs.get(_BY.get(operator, operator))
        if need is None:
            return nested or operator not in _OF_NESTED
        return any(f.family in need.fits and (f.has_doc_values or not need.doc_values) for f in fields)

    queries = {name for name in QUERIES if is_possible(name, NEEDS) and name not in _ALIASES}
    return queries | {name for name in AGGREGATIONS if is_possible(name, AGGREGATION_NEEDS)}


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def errors(name: str, bodies: list[str]) -> list[tuple[str, str]]:
    task, example = pack(name)
    found = ((body, problem) for body in bodies for problem in find_problems(task, example, Draft(answer=body)))
    return [(body, problem.message) for body, problem in found if problem.is_error]


@pytest.mark.slow
def test_sampled_bodies_pass_every_check() -> None:
    assert not errors("movies", sampled("movies", 100))


@pytest.mark.slow
@pytest.mark.parametrize("name", first_quick(ALL))
def test_many_sampled_bodies_pass_checks_and_run(name: str) -> None:
    bodies = sampled(name, BODIES)
    assert not errors(name, bodies)
    task, _ = pack(name)
    counts: Counter[str] = Counter()
    refused = []
    with body_runner(name) as run:
        for body in bodies:
            if task.is_refusal(body):
                counts["refusal"] += 1
                continue
            outcome = run(body)
            counts[outcome.kind.value] += 1
            if outcome.kind not in (OutcomeKind.OK, OutcomeKind.UNSUPPORTED):
                refused.append((outcome.reason, body))
    print(f"{name}: {BODIES} bodies, all valid; on the embedded engine: {dict(counts)}")
    assert not refused
    assert counts["refusal"] < BODIES / 2
    assert counts["ok"] > 0.75 * (BODIES - counts["refusal"])


@contextmanager
def body_runner(name: str) -> Iterator[Callable[[str], Outcome]]:
    """Runs a body as evaluation does; of the wide variant, which has no name, on an index made for it."""
    task, example = pack(name)
    if name != WIDE:
        with Embedded().open(task, Engine()) as executor:
            yield lambda body: executor.run(body, example)
        return
    index = index_of(name)
    with EmbeddedEngine() as engine:
        wide = LoadedIndex.load(engine, "dstill-wide", index.mapping, index.documents(), index.settings, now=index.now)
        yield lambda body: search_if_supported(
            wide.unsupported, lambda one: engine.search(wide.name, one), wide.frozen(json.loads(body))
        )


@pytest.mark.nightly
@pytest.mark.parametrize("name", ALL)
def test_sampled_bodies_cover_most_possible_operators(name: str) -> None:
    allowed, seen, wrote = possible_operators(name), set[str](), 0
    while wrote < COVERING and len(allowed & seen) < ENOUGH * len(allowed):
        for body in sampled(name, 500, seed=2 + wrote):
            seen.update(keys(json.loads(body)))
        wrote += 500
    covered = allowed & seen
    print(f"{name}: {len(covered)} of {len(allowed)} ({len(covered) / len(allowed):.0%}) in {wrote:,} bodies; "
          f"not met: {', '.join(sorted(allowed - seen))}")  # fmt: skip
    assert len(covered) >= ENOUGH * len(allowed)
