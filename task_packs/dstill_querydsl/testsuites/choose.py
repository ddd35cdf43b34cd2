"""Which of the candidates to keep: greedily, those that tell the gold from mutants that none before told.

    choose(candidates, gold, mutants, on, same, empty, k=5)
    → Choice(corpora=[Candidate(name="boundaries", …)], survivors=["filter→must at /query/bool/filter/0"], …)

`on(documents)` is a context in which bodies run; `same(got, want)` compares two results; `empty(want)`: it finds
nothing. Where the gold finds nothing on any corpus, whatever else finds nothing would agree with it: there are none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, ContextManager, Iterable, Mapping, Sequence

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.testsuites.documents import Candidate

__all__ = ["Choice", "choose"]

Run = Callable[[Mapping[str, Any]], Outcome]
LEAST = 2  # kept of those that run, also where the first tells every mutant: others will write what is none
TRIES = 14  # candidates of which none told a survivor, before the search ends


@dataclass(kw_only=True)
class Choice:
    corpora: list[Candidate] = field(default_factory=list)
    reason: str = ""  # why there are none


def choose(
    candidates: Iterable[Candidate],
    gold: Mapping[str, Any],
    mutants: Sequence[Mapping[str, Any]],
    on: Callable[[Sequence[tuple[str, Mapping[str, Any]]]], ContextManager[Run]],
    same: Callable[[Any, Any], bool],
    empty: Callable[[Any], bool],
    k: int,
) -> Choice:
    """At most `k` candidates, in the order in which they were kept."""
    choice, left, idle, finds = Choice(), list(mutants), 0, False
    for candidate in candidates:
        if len(choice.corpora) == k or (len(choice.corpora) >= LEAST and not left) or idle == TRIES:
            break
        with on(candidate.documents) as run:
            want = run(gold)
            if want.kind is not OutcomeKind.OK:
                choice.reason = choice.reason or want.reason
                if want.kind is OutcomeKind.UNSUPPORTED:
                    break  # so it is on every one
                idle += 1
                continue
            got = [run(one) for one in left]
        told = [one for one, found in zip(left, got, strict=True) if _tells(found, want, same)]
        # what cannot be run here cannot be told anywhere
        left = [one for one, found in zip(left, got, strict=True) if found.kind is not OutcomeKind.UNSUPPORTED]
        idle = 0 if told else idle + 1
        if told or len(choice.corpora) < min(LEAST, k):
            choice.corpora.append(candidate)
            finds = finds or not empty(want.value)
            left = [one for one in left if one not in told]
    if choice.corpora and not finds:
        return Choice(reason="the gold finds nothing in any documents that were made for it")
    if not choice.corpora:
        choice.reason = choice.reason or "it runs on none of them"
    return choice


def _tells(got: Outcome, want: Outcome, same: Callable[[Any, Any], bool]) -> bool:
    """What the engine refuses, or cannot run faithfully, tells nothing of these documents."""
    return got.kind is OutcomeKind.OK and not same(got.value, want.value)
