"""Choose test databases greedily: candidates that expose mutants which no chosen one exposed.

    choose(candidates, gold, mutants, engine, k=5, often=False)   → [Candidate(name="boundaries", cells={…}), …]

A mutant that the engine refuses on a candidate is not exposed there. Where the gold's result depends on the
order in which rows are stored, as where ROW_NUMBER meets ties, a right answer may differ: such candidates are skipped.
If the gold finds nothing on any candidate, every answer that finds nothing would agree with it, so there are no test
databases.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlglot import exp

from dstill.api.protocols import NoTestDatabases
from dstill_sql.engines.running import Prepared
from dstill_sql.language.results.compare import is_empty, same
from dstill_sql.testdata.filler import Profile
from dstill_sql.testdata.small_engine import SmallEngine

__all__ = ["Candidate", "choose", "depends_on_order"]

Rows = Sequence[Sequence[Any]]
_IDLE_CANDIDATES = 14  # candidates in a row that tell no mutant apart, before the search ends
_CHANCE_NODES = (exp.Window, exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin, exp.GroupConcat, exp.Mode)
_SECONDS = 10.0  # of CPU, after which the search ends: only queries that hardly end take 1 s


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Rows that may become a test database."""

    name: str
    profile: Profile
    seed: str
    cells: Mapping[str, Rows]


def choose(
    candidates: Iterable[Candidate],
    gold: Prepared,
    mutants: Sequence[Prepared],
    engine: SmallEngine,
    k: int,
    *,
    often: bool,
) -> list[Candidate]:
    """`k` candidates, those that expose most mutants. Raises NoTestDatabases.

    They are `k` even if fewer tell all mutants apart, since not every wrong answer is a mutant; fewer if time is over.
    `often`: the result of the gold may depend on the order of rows, so it is tried in many.
    """
    chosen: list[tuple[Candidate, int]] = []
    survivors, idle, finds, start = list(mutants), 0, False, _cpu(engine)
    for candidate in candidates:
        enough = len(chosen) >= k and not survivors
        if enough or idle == _IDLE_CANDIDATES or _cpu(engine) - start > _SECONDS:
            break
        engine.load(candidate.cells)
        want = engine.run(gold)
        if want is None or (is_empty(want) and not finds):
            idle += 1
            continue
        left = [survivor for survivor in survivors if not _differs(engine.run(survivor), want)]
        killed = len(survivors) - len(left)
        idle = 0 if killed else idle + 1
        if (killed or len(chosen) < k) and _is_certain(candidate, gold, want, engine, often=often):
            chosen.append((candidate, killed))
            survivors, finds = left, True
    if not chosen:
        raise NoTestDatabases("the reference finds nothing that is certain in any data that were made for it")
    best = sorted(range(len(chosen)), key=lambda place: -chosen[place][1])[:k]
    return [chosen[place][0] for place in sorted(best)]


def _cpu(engine: SmallEngine) -> float:
    return time.process_time() + engine.cpu


def depends_on_order(query: exp.Query) -> bool:
    """Whether the result of a query may depend on the order in which rows are stored."""
    inner = any(limit.parent is not None and limit.parent.parent is not None for limit in query.find_all(exp.Limit))
    return inner or query.find(*_CHANCE_NODES) is not None


def _is_certain(
    candidate: Candidate, gold: Prepared, want: dict[str, Any], engine: SmallEngine, *, often: bool
) -> bool:
    """Whether the gold has the same result if the rows are stored in another order."""
    for turn in _TURNS if often else _TURNS[:1]:
        engine.load({name: turn(rows) for name, rows in candidate.cells.items()})
        again = engine.run(gold)
        if again is None or not same(again, want):
            return False
    return True


def _by_first(row: Sequence[Any]) -> tuple[str, Any]:
    return str(type(row[0])), row[0]


# Other orders of rows: backwards, by their first column, which often is the key, and by chance.
_TURNS: tuple[Callable[[Rows], Rows], ...] = (
    lambda rows: rows[::-1],
    lambda rows: sorted(rows, key=_by_first),
    lambda rows: sorted(rows, key=_by_first, reverse=True),
    *(lambda rows, seed=seed: Random(seed).sample(rows, len(rows)) for seed in range(5)),
)


def _differs(got: dict[str, Any] | None, want: dict[str, Any]) -> bool:
    """Whether a mutant ran with another result."""
    return got is not None and not same(got, want)
