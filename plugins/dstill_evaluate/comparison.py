"""Compares systems on the same items: by how much they differ, whether that is more than chance, and on which items.

    compare(arms, ["test"])
    →  {"against": "a",
        "arms": {"a": {"test": {"accuracy": {"value": 0.81, "n": 120, "low": …}, "runs": [0.81], "sd": None}}, "b": …},
        "comparisons": [{"set": "test", "system": "b", "difference": 0.05, "low": …, "high": …, "test": "mcnemar",
                         "p": 0.03, "p_holm": 0.06, "detectable": 0.06, "distinguishable": False, …}],
        "items": {"test": {"b": {"gained": ["t-3"], "lost": []}}}, "n_unjudged": {"test": 4}}

An arm is a system, or several trainings of one recipe that differ only in their seed. Every other arm is compared with
the first; a positive difference means that the other one is better. An item that could not be judged in one run (an
engine failure, a trivial gold) is excluded for all arms, so every figure is over the same items.

Two arms are distinguishable if both hold: the interval of the difference, from a bootstrap that resamples whole
templates, excludes zero, and the p-value is below 5 % after Holm's correction for all comparisons of the call. The test
is McNemar's. With several seeds, an item can be right in some runs only; then p is the larger of the permutation test
by template and the t-test over seeds.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dstill.api.metric import CONFIDENCE, rate
from dstill.api.records import Score, Verdict
from dstill.errors import RunError
from dstill_evaluate.metrics import scored, why_uncounted
from dstill_evaluate.paired_tests import Paired, paired
from dstill_evaluate.statistics import holm, mcnemar, mean, smallest_detectable
from dstill_evaluate.systems import Arm

__all__ = [
    "PairComparison",
    "Verdicts",
    "compare",
    "compare_pair",
    "correctness",
    "gained_and_lost",
    "holm_corrected",
    "judged_in_all",
]

Verdicts = Sequence[Mapping[str, Verdict]]  # the verdicts of one arm: one mapping per seed, item id → verdict
ACCURACY = "executable_accuracy"


@dataclass(frozen=True, kw_only=True)
class PairComparison:
    """The comparison of one arm with the first."""

    paired: Paired
    test: str  # the test that p is from: mcnemar, permutation or seeds
    p: float
    p_holm: float = 1.0  # p after Holm's correction for all comparisons of the call
    smallest: float = 0.0  # the smallest true difference that the test can detect after the correction

    @property
    def distinguishable(self) -> bool:
        return self.paired.excludes_zero and self.p_holm < 1 - CONFIDENCE

    def to_row(self) -> dict[str, Any]:
        row = self.paired.to_row()
        p_permutation = row.pop("p")
        del row["excludes_zero"]
        return {
            **row,
            # if no item differs, the spread of differences is unknown
            "detectable": max(self.paired.detectable, self.smallest) if self.paired.detectable else None,
            "test": self.test,
            "p": self.p,
            "p_holm": self.p_holm,
            "p_permutation": p_permutation,
            "distinguishable": self.distinguishable,
        }


def judged_in_all(arms: Sequence[Verdicts]) -> list[str]:
    """The items with a judged answer in every run of every arm, in the first run's order.

    Empty if one of the runs executed nothing.
    """
    runs = [run for arm in arms for run in arm]
    if not all(scored(list(run.values())) for run in runs):
        return []
    return [id for id in runs[0] if all(id in run and not why_uncounted(run[id]) for run in runs)]


def correctness(arm: Verdicts, ids: Sequence[str]) -> list[list[float]]:
    """``[items, seeds]``: 1 if the answer was right, else 0."""
    return [[float(run[id].correct) for run in arm] for id in ids]


def compare_pair(arm: Verdicts, first: Verdicts, ids: Sequence[str]) -> PairComparison:
    """`arm` − `first` on the items `ids`, not yet corrected. Raises ValueError if `ids` is empty."""
    result = paired(correctness(arm, ids), correctness(first, ids), [first[0][id].template or id for id in ids])
    if result.p_value_across_seeds is not None:
        test, p = max([("permutation", result.p), ("seeds", result.p_value_across_seeds)], key=lambda pair: pair[1])
        return PairComparison(paired=result, test=test, p=p)
    return PairComparison(paired=result, test="mcnemar", p=mcnemar(result.gained, result.lost))


def holm_corrected(comparisons: Sequence[PairComparison]) -> list[PairComparison]:
    """The comparisons with `p_holm` and `smallest` set, corrected for all of them together."""
    ps = holm([comparison.p for comparison in comparisons])
    return [
        replace(pair, p_holm=p, smallest=_smallest(pair.paired, len(comparisons)))
        for pair, p in zip(comparisons, ps, strict=True)
    ]


def _smallest(paired: Paired, comparisons: int) -> float:
    """The permutation test flips templates, so it needs as many that differ as McNemar's test needs items."""
    if paired.seeds > 1 and smallest_detectable(paired.clusters, comparisons) == 1.0:
        return 1.0
    return smallest_detectable(paired.items * paired.seeds, comparisons)


def gained_and_lost(arm: Verdicts, first: Verdicts, ids: Sequence[str]) -> dict[str, list[str]]:
    """The items that `arm` has right in more runs than `first`, and those in fewer."""
    by_item = {id: sum(run[id].correct for run in arm) - sum(run[id].correct for run in first) for id in ids}
    return {"gained": [id for id, n in by_item.items() if n > 0], "lost": [id for id, n in by_item.items() if n < 0]}


def compare(arms: Sequence[Arm], splits: Sequence[str]) -> dict[str, Any]:
    """Compare every other arm with the first, split by split.

    Raises:
        RunError: No answer of these splits was executed in every run.
    """
    first, *others = arms
    accuracies: dict[str, dict[str, Any]] = {arm.label: {} for arm in arms}
    items: dict[str, dict[str, Any]] = {}
    compared: list[tuple[str, str, PairComparison]] = []
    n_unjudged = {}
    for split in splits:
        verdicts = {arm.label: [side.of(split) for side in arm.sides] for arm in arms}
        ids = judged_in_all(list(verdicts.values()))
        if not ids:
            continue  # an empty split, or one whose answers were not executed
        n_unjudged[split] = len(verdicts[first.label][0]) - len(ids)
        for label, arm in verdicts.items():
            accuracies[label][split] = _accuracy(arm, ids)
        items[split] = {}
        for other in others:
            ours, theirs = verdicts[other.label], verdicts[first.label]
            compared.append((split, other.label, compare_pair(ours, theirs, ids)))
            items[split][other.label] = gained_and_lost(ours, theirs, ids)
    if not compared:
        raise RunError(
            "no answer of these sets was executed in every run: there is nothing to compare",
            where=", ".join(splits),
            hint="run `dstill evaluate RUN` where the engine is",
        )
    corrected = holm_corrected([pair for _, _, pair in compared])
    rows = [
        {"set": split, "system": label, **pair.to_row()}
        for (split, label, _), pair in zip(compared, corrected, strict=True)
    ]
    return {"against": first.label, "arms": accuracies, "comparisons": rows, "items": items, "n_unjudged": n_unjudged}


def _accuracy(arm: Verdicts, ids: Sequence[str]) -> dict[str, Any]:
    """One run: the rate with Wilson's interval. Several seeds: mean ± sd, with a bootstrap interval by template."""
    matrix = correctness(arm, ids)
    runs = [statistics.fmean(column) for column in zip(*matrix, strict=True)]
    score: Score
    if len(runs) == 1:
        score = rate(ACCURACY, int(sum(row[0] for row in matrix)), len(ids))
    else:
        score = mean(ACCURACY, [statistics.fmean(row) for row in matrix], [arm[0][id].template or id for id in ids])
    return {"accuracy": score.to_row(), "runs": runs, "sd": statistics.stdev(runs) if len(runs) > 1 else None}
