"""Choose test databases greedily: candidates that kill mutants which no chosen one has killed.

    choose(candidates, gold, mutants, on, same, empty, k=5)
    → Choice(databases=[Candidate(name="boundaries", …)], reason="")

`on(documents)` is a context manager that gives a function to run bodies. `same(got, want)` compares two results.
`empty(want)` says that a result is empty. If the gold finds nothing on any candidate, every answer that finds nothing
would agree with it, so there are no test databases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.testdata.documents import Candidate

__all__ = ["Choice", "choose"]

Run = Callable[[Mapping[str, Any]], Outcome]
LEAST = 2  # candidates chosen even if the first kills every mutant, since not every wrong answer is a mutant
TRIES = 14  # candidates in a row that kill no surviving mutant, before the search ends


@dataclass(kw_only=True)
class Choice:
    """The chosen test databases, or the reason why there are none."""

    databases: list[Candidate] = field(default_factory=list)
    reason: str = ""  # empty if there are some


def choose(
    candidates: Iterable[Candidate],
    gold: Mapping[str, Any],
    mutants: Sequence[Mapping[str, Any]],
    on: Callable[[Sequence[tuple[str, Mapping[str, Any]]]], AbstractContextManager[Run]],
    same: Callable[[Any, Any], bool],
    empty: Callable[[Any], bool],
    k: int,
) -> Choice:
    """At most `k` candidates, in the order in which they were chosen."""
    choice, survivors, idle, finds = Choice(), list(mutants), 0, False
    for candidate in candidates:
        if len(choice.databases) == k or (len(choice.databases) >= LEAST and not survivors) or idle == TRIES:
            break
        with on(candidate.documents) as run:
            want = run(gold)
            if want.kind is not OutcomeKind.OK:
                choice.reason = choice.reason or want.reason
                if want.kind is OutcomeKind.UNSUPPORTED:
                    break  # on every candidate
                idle += 1
                continue
            got = [run(survivor) for survivor in survivors]
        killed = [mutant for mutant, outcome in zip(survivors, got, strict=True) if _kills(outcome, want, same)]
        # a mutant that cannot be run here cannot be killed by any candidate
        survivors = [
            mutant
            for mutant, outcome in zip(survivors, got, strict=True)
            if outcome.kind is not OutcomeKind.UNSUPPORTED
        ]
        idle = 0 if killed else idle + 1
        if killed or len(choice.databases) < min(LEAST, k):
            choice.databases.append(candidate)
            finds = finds or not empty(want.value)
            survivors = [survivor for survivor in survivors if survivor not in killed]
    if choice.databases and not finds:
        return Choice(reason="the reference finds nothing in any documents that were made for it")
    if not choice.databases:
        choice.reason = choice.reason or "the reference runs on none of the candidates"
    return choice


def _kills(got: Outcome, want: Outcome, same: Callable[[Any, Any], bool]) -> bool:
    """Whether the mutant ran and gave another result than the reference."""
    return got.kind is OutcomeKind.OK and not same(got.value, want.value)
