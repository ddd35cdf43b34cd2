"""Systems side by side on the same items: how far apart, whether that can be told from chance, and on which items.

    compare(arms, ["test"])
    →  {"against": "a",
        "arms": {"a": {"test": {"accuracy": {"value": 0.81, "n": 120, "low": …}, "runs": [0.81], "sd": None}}, "b": …},
        "comparisons": [{"set": "test", "system": "b", "difference": 0.05, "low": …, "high": …, "test": "mcnemar",
                         "p": 0.03, "p_holm": 0.06, "detectable": 0.06, "distinguishable": False, …}],
        "items": {"test": {"b": {"gained": ["t-3"], "lost": []}}}, "n_unjudged": {"test": 4}}

The first arm is the one that the others are held against; a difference above zero is the other's gain.
Items that say nothing of an answer in one of the runs (an engine's failure, a gold that tells nothing) are
left out for all, so that every figure is over the same ones. Two systems are called distinguishable where
both hold: the interval of the difference, which draws whole templates, leaves out zero, and the exact test's
p-value is below 5 % after Holm's correction for all comparisons that are made at once. The test is McNemar's;
of several seeds, where an item can be right in some, it is the permutation test by template or the t-test over
seeds, whichever has the larger p: templates and seeds both have to agree.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from dstill.api.metric import CONFIDENCE, rate
from dstill.api.records import Score, Verdict
from dstill.errors import RunError
from dstill_evaluate.metrics import scored, why_uncounted
from dstill_evaluate.paired_tests import Paired, paired
from dstill_evaluate.statistics import holm, least_shown, mcnemar, mean
from dstill_evaluate.systems import Arm

__all__ = ["Found", "Verdicts", "compare", "corrected", "counted", "held_against", "moved", "right"]

Verdicts = Sequence[Mapping[str, Verdict]]  # of an arm: by seed, by item
ACCURACY = "executable_accuracy"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One comparison."""

    paired: Paired
    test: str  # whose p it is: mcnemar, permutation, seeds
    p: float
    p_holm: float = 1.0  # p, corrected for all that were made at once
    least: float = 0.0  # no smaller difference can be told by the test, as many comparisons as were made

    @property
    def distinguishable(self) -> bool:
        return self.paired.excludes_zero and self.p_holm < 1 - CONFIDENCE

    def to_row(self) -> dict[str, Any]:
        of_pairs = self.paired.to_row()
        by_template = of_pairs.pop("p")
        del of_pairs["excludes_zero"]
        return {
            **of_pairs,
            # where no item moved, nobody knows how much they would
            "detectable": max(self.paired.detectable, self.least) if self.paired.detectable else None,
            "test": self.test,
            "p": self.p,
            "p_holm": self.p_holm,
            "p_permutation": by_template,
            "distinguishable": self.distinguishable,
        }


def counted(arms: Sequence[Verdicts]) -> list[str]:
    """The items that count in every run of every arm, in the first one's order; none where one was not executed."""
    runs = [run for arm in arms for run in arm]
    if not all(scored(list(run.values())) for run in runs):
        return []
    return [id for id in runs[0] if all(id in run and not why_uncounted(run[id]) for run in runs)]


def right(arm: Verdicts, ids: Sequence[str]) -> list[list[float]]:
    """Items × seeds: 1 where the answer was right."""
    return [[float(run[id].correct) for run in arm] for id in ids]


def held_against(arm: Verdicts, first: Verdicts, ids: Sequence[str]) -> Found:
    """`arm` − `first` on the items `ids`. ValueError where there are none."""
    ours, theirs = right(arm, ids), right(first, ids)
    found = paired(ours, theirs, [first[0][id].template or id for id in ids])
    if found.p_value_across_seeds is not None:
        test, p = max([("permutation", found.p), ("seeds", found.p_value_across_seeds)], key=lambda one: one[1])
        return Found(paired=found, test=test, p=p)
    return Found(paired=found, test="mcnemar", p=mcnemar(found.gained, found.lost))


def corrected(found: Sequence[Found]) -> list[Found]:
    """With Holm's correction for all of them."""
    ps = holm([one.p for one in found])
    return [replace(one, p_holm=p, least=_least(one, len(found))) for one, p in zip(found, ps, strict=True)]


def _least(found: Found, comparisons: int) -> float:
    """What the test's own steps leave out; flipping templates needs as many that move as McNemar needs items."""
    of = found.paired
    if of.seeds > 1 and least_shown(of.clusters, comparisons) == 1.0:
        return 1.0
    return least_shown(of.items * of.seeds, comparisons)


def moved(arm: Verdicts, first: Verdicts, ids: Sequence[str]) -> dict[str, list[str]]:
    """The items that `arm` has right in more runs than `first`, and those in fewer."""
    by_item = {id: sum(run[id].correct for run in arm) - sum(run[id].correct for run in first) for id in ids}
    return {"gained": [id for id, n in by_item.items() if n > 0], "lost": [id for id, n in by_item.items() if n < 0]}


def compare(arms: Sequence[Arm], sets: Sequence[str]) -> dict[str, Any]:
    """Every arm after the first against the first, set by set. Raises RunError where nothing was executed."""
    first, *others = arms
    shown: dict[str, dict[str, Any]] = {arm.label: {} for arm in arms}
    items: dict[str, dict[str, Any]] = {}
    found: list[tuple[str, str, Found]] = []
    left_out = {}
    for split in sets:
        verdicts = {arm.label: [side.of(split) for side in arm.sides] for arm in arms}
        ids = counted(list(verdicts.values()))
        if not ids:
            continue  # an empty set, or one whose answers were not run
        left_out[split] = len(verdicts[first.label][0]) - len(ids)
        for label, arm in verdicts.items():
            shown[label][split] = _accuracy(arm, ids)
        items[split] = {}
        for other in others:
            found.append((split, other.label, held_against(verdicts[other.label], verdicts[first.label], ids)))
            items[split][other.label] = moved(verdicts[other.label], verdicts[first.label], ids)
    if not found:
        raise RunError(
            "no answer of these sets was executed in every run: there is nothing to compare",
            where=", ".join(sets),
            hint="dstill evaluate RUN, where the engine is",
        )
    after = corrected([one for _, _, one in found])
    rows = [{"set": s, "system": label, **one.to_row()} for (s, label, _), one in zip(found, after, strict=True)]
    return {"against": first.label, "arms": shown, "comparisons": rows, "items": items, "n_unjudged": left_out}


def _accuracy(arm: Verdicts, ids: Sequence[str]) -> dict[str, Any]:
    """Of one run the rate with Wilson's interval; of several seeds their mean ± sd, its interval by template."""
    matrix = right(arm, ids)
    runs = [statistics.fmean(column) for column in zip(*matrix, strict=True)]
    score: Score
    if len(runs) == 1:
        score = rate(ACCURACY, int(sum(row[0] for row in matrix)), len(ids))
    else:
        score = mean(ACCURACY, [statistics.fmean(row) for row in matrix], [arm[0][id].template or id for id in ids])
    return {"accuracy": score.to_row(), "runs": runs, "sd": statistics.stdev(runs) if len(runs) > 1 else None}
