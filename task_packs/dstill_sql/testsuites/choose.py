"""Choose test databases greedily: candidates that tell the gold from mutants which no chosen one told apart.

    choose(candidates, gold, mutants, engine, k=5)      → [Candidate(name="boundaries", cells={…}), …]

A mutant that the engine refuses on a candidate cannot be told apart there. If the gold finds nothing on any candidate,
every answer that finds nothing would agree with it, so there are no test databases.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.protocols import NoTestDatabases
from dstill_sql.engines.running import Prepared
from dstill_sql.results import is_empty, same
from dstill_sql.testsuites.engine import SmallEngine
from dstill_sql.testsuites.filler import Profile

__all__ = ["LEAST", "Candidate", "choose"]

LEAST = 2  # candidates chosen even if the first tells all mutants apart, since not every wrong answer is a mutant
_IDLE = 12  # candidates in a row that tell no mutant apart, before the search ends
_SECONDS = 0.4  # of CPU, after which the search ends


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Rows that may become a test database."""

    name: str
    profile: Profile
    seed: str
    cells: Mapping[str, Sequence[Sequence[Any]]]


def choose(
    candidates: Iterable[Candidate], gold: Prepared, mutants: Sequence[Prepared], engine: SmallEngine, k: int
) -> list[Candidate]:
    """At most `k` candidates, those that tell most mutants apart. Raises NoTestDatabases."""
    chosen: list[tuple[Candidate, int]] = []
    survivors, idle, finds, start = list(mutants), 0, False, time.process_time()
    for candidate in candidates:
        enough = len(chosen) >= LEAST and finds and not survivors
        if enough or idle == _IDLE or (chosen and time.process_time() - start > _SECONDS):
            break
        want = _result(candidate, gold, engine)
        if want is None or is_nothing(want):
            idle += 1
            if want is None or len(chosen) >= LEAST:
                continue
        left = [one for one in survivors if not _differs(engine.run(one), want)]
        killed = len(survivors) - len(left)
        idle = 0 if killed else idle + 1
        if killed or len(chosen) < LEAST:
            chosen.append((candidate, killed))
            survivors, finds = left, finds or not is_empty(want)
    if not chosen:
        raise NoTestDatabases("the reference runs on no data that were made for it")
    if not finds:
        raise NoTestDatabases("the reference finds nothing in any data that were made for it")
    best = sorted(range(len(chosen)), key=lambda place: -chosen[place][1])[:k]
    return [chosen[place][0] for place in sorted(best)]


def is_nothing(value: Mapping[str, Any]) -> bool:
    """Whether a result has no rows at all."""
    return not value["rows"]


def _result(candidate: Candidate, gold: Prepared, engine: SmallEngine) -> dict[str, Any] | None:
    try:
        engine.load(candidate.cells)
    except engine.errors:
        return None
    return engine.run(gold)


def _differs(got: dict[str, Any] | None, want: dict[str, Any]) -> bool:
    """Whether a mutant ran with another result."""
    return got is not None and not same(got, want)
