"""The findings of an audit of gold answers: a `Gold` for each answer, an `Audit` for all, with every figure as JSON.

Gold(id="test-17", mutants=22, killed=21, survivors=("4→5",)).mutation_score   -> 0.9545…
Audit(…).to_json()["mutation_score"]  -> {"n": 200, "median": 1.0, "mean": 0.99, "minimum": 0.78, "classes": {…}}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.records import OutcomeKind, Problem, Row
from dstill.inputs.leakage import Duplicates, Leak

__all__ = ["Audit", "Gold"]

BOUNDS = (0.0, 0.5, 0.8, 0.9, 1.0)  # lower bounds of the classes of mutation scores


@dataclass(frozen=True, kw_only=True)
class Gold(Row):
    """The findings about one gold answer."""

    id: str
    split: str = ""
    category: str = ""
    problems: tuple[Problem, ...] = ()  # errors that the task's checks found
    outcome: str = ""  # value of `OutcomeKind`; empty: it was not run, or is a refusal
    reason: str = ""  # why the outcome is not ok
    trivial: bool = False  # it finds nothing or everything
    nondeterministic: bool = False  # equally correct results are possible
    test_databases: int = 0  # on which the gold answer ran
    test_suite_skipped: str = ""  # why there are no test databases
    mutants: int = 0  # those that could be run on a test database
    killed: int = 0
    killed_by_data: int | None = None  # by the data alone; None: a mutant could not be run there
    survivors: tuple[str, ...] = ()  # names of the mutants that were not killed
    held_out: int = 0  # mutants in the user's row
    held_out_killed: int = 0
    held_out_survivors: tuple[str, ...] = ()

    @property
    def mutation_score(self) -> float | None:
        """The share of killed mutants, 0 to 1; None: there are no mutants."""
        return self.killed / self.mutants if self.mutants else None

    @property
    def failed(self) -> bool:
        """Whether it cannot be used as a gold answer."""
        return bool(self.problems) or self.outcome == OutcomeKind.INVALID


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The findings about all gold answers of a dataset."""

    golds: Sequence[Gold]
    refusals: int  # gold answers that refuse: nothing to run
    without: int  # questions without a gold answer
    ran: int
    engine: str  # what ran them; empty: they were not run
    repeated: Duplicates
    leaked: Sequence[Leak] = ()

    @property
    def bad(self) -> list[str]:
        """The findings that a person has to fix, one line each."""
        failed = sum(gold.failed for gold in self.golds)
        lines = [f"{failed} of {len(self.golds)} reference answers fail a check or do not run"] if failed else []
        if n := len(self.repeated.conflicting):
            lines.append(f"{n} questions have different reference answers")
        return lines + [str(leak) for leak in self.leaked]

    def to_json(self) -> dict[str, Any]:
        """Every figure, and the ids of the gold answers that failed."""
        rates = [rate for gold in self.golds if (rate := gold.mutation_score) is not None]
        pairs = sum(gold.held_out for gold in self.golds)
        return {
            "golds": len(self.golds),
            "refusals": self.refusals,
            "without_gold": self.without,
            "ran": self.ran,
            "engine": self.engine,
            "refused": [{"id": g.id, "problems": [p.to_row() for p in g.problems]} for g in self.golds if g.problems],
            "failed": self._named(OutcomeKind.INVALID),
            "unsupported": self._named(OutcomeKind.UNSUPPORTED),
            "unavailable": self._named(OutcomeKind.UNAVAILABLE),
            "trivial": [gold.id for gold in self.golds if gold.trivial],
            "nondeterministic": [gold.id for gold in self.golds if gold.nondeterministic],
            "mutation_score": _distribution(rates),
            "mutation_score_data_only": _distribution(
                [g.killed_by_data / g.mutants for g in self.golds if g.killed_by_data is not None and g.mutants]
            ),
            "mutation_score_by_category": _by_category(self.golds),
            "test_databases": dict(sorted(Counter(gold.test_databases for gold in self.golds if gold.mutants).items())),
            "not_checked": dict(
                Counter(gold.test_suite_skipped for gold in self.golds if gold.test_suite_skipped).most_common()
            ),
            "survivors": [{"id": gold.id, "mutants": gold.survivors} for gold in self.golds if gold.survivors],
            "held_out_mutants": {
                "of": pairs,
                "n_killed": sum(gold.held_out_killed for gold in self.golds),
                "survivors": [
                    {"id": gold.id, "mutants": gold.held_out_survivors}
                    for gold in self.golds
                    if gold.held_out_survivors
                ],
            },
            "duplicates": {"same": list(self.repeated.same), "conflicting": list(self.repeated.conflicting)},
            "leakage": [vars(leak) for leak in self.leaked],
        }

    def _named(self, kind: OutcomeKind) -> list[dict[str, str]]:
        return [{"id": gold.id, "reason": gold.reason} for gold in self.golds if gold.outcome == kind]


def _distribution(rates: Sequence[float]) -> dict[str, Any]:
    from statistics import mean, median

    if not rates:
        return {"n": 0, "median": None, "mean": None, "minimum": None, "classes": {}}
    classes = Counter(max(bound for bound in BOUNDS if rate >= bound) for rate in rates)
    return {
        "n": len(rates),
        "median": median(rates),
        "mean": mean(rates),
        "minimum": min(rates),
        "classes": {f"{bound:g}": classes[bound] for bound in reversed(BOUNDS)},
    }


def _by_category(golds: Sequence[Gold]) -> dict[str, Any]:
    rates: dict[str, list[float]] = {}
    for gold in golds:
        if (rate := gold.mutation_score) is not None:
            rates.setdefault(gold.category, []).append(rate)
    return {
        name: {k: v for k, v in _distribution(row).items() if k != "classes"} for name, row in sorted(rates.items())
    }
