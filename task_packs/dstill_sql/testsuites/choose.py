"""Choose test databases greedily: candidates that tell the gold from mutants which no chosen one told apart.

    choose(candidates, gold, mutants, engine, k=5)      → [Candidate(name="boundaries", cells={…}), …]

A mutant that the engine refuses on a candidate cannot be told apart there. Where the gold's result depends on the
order in which rows are stored, as where ROW_NUMBER meets ties, a right answer may differ: such candidates are left out.
If the gold finds nothing on any candidate, every answer that finds nothing would agree with it, so there are no test
databases.
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
        if enough or idle == _IDLE or time.process_time() - start > (_SECONDS if chosen else 3 * _SECONDS):
            break
        want = _result(candidate, gold, engine)
        if want is None or (is_empty(want) and not finds):
            idle += 1
            continue
        left = [one for one in survivors if not _differs(engine.run(one), want)]
        killed = len(survivors) - len(left)
        idle = 0 if killed else idle + 1
        if (killed or len(chosen) < LEAST) and _is_certain(candidate, gold, want, engine):
            chosen.append((candidate, killed))
            survivors, finds = left, True
    if not chosen:
        raise NoTestDatabases("the reference finds nothing that is certain in any data that were made for it")
    best = sorted(range(len(chosen)), key=lambda place: -chosen[place][1])[:k]
    return [chosen[place][0] for place in sorted(best)]


def _is_certain(candidate: Candidate, gold: Prepared, want: dict[str, Any], engine: SmallEngine) -> bool:
    """Whether the gold has the same result if the rows are stored the other way round."""
    engine.load({name: rows[::-1] for name, rows in candidate.cells.items()})
    again = engine.run(gold)
    return again is not None and same(again, want)


def _result(candidate: Candidate, gold: Prepared, engine: SmallEngine) -> dict[str, Any] | None:
    try:
        engine.load(candidate.cells)
    except engine.errors:
        return None
    return engine.run(gold)


def _differs(got: dict[str, Any] | None, want: dict[str, Any]) -> bool:
    """Whether a mutant ran with another result."""
    return got is not None and not same(got, want)
