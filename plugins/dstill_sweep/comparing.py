"""Arms of an experiment: trials that differ in their seed alone, compared on the items that they share.

compared(verdicts(trials, dss), verdicts(trials, label_only))  →  Paired(difference=0.03, low=…, …)
"""

from __future__ import annotations

from typing import Mapping, Sequence

from dstill.errors import DataError
from dstill.records import Verdict
from dstill.run import Run
from dstill_evaluate.metrics import why_left_out
from dstill_evaluate.paired import Paired, paired
from dstill_sweep.trials import Trial, Trials

__all__ = ["Verdicts", "compared", "verdicts"]

Verdicts = Sequence[Mapping[str, Verdict]]  # of an arm: by seed, by item


def verdicts(trials: Trials, arm: Sequence[Trial], split: str = "") -> Verdicts:
    """What came of the answers of finished trials, on the set that they are scored on or on one `beside` it."""
    opened = (Run.open(trials.folder / trial.name, plugins=trials.parent.plugins) for trial in arm)
    return [{v.id: v for v in run.verdicts() if v.split == (split or trials.split)} for run in opened]


def compared(a: Verdicts, b: Verdicts, *, scale: float = 1.0) -> Paired:
    """Arm `a` against arm `b` times `scale` (0.95: is `a` within 5 % of `b`?), on the items that count in every trial.

    Left out for all are those that say nothing about an answer in one: an engine's failure, a gold that
    tells nothing. Raises DataError when none is left.
    """
    counted = [id for id in a[0] if all(id in one and not why_left_out(one[id]) for one in (*a, *b))]
    if not counted:
        raise DataError("no item could be scored in every trial", where="ablate", hint="is the engine there?")
    first = [[float(one[id].correct) for one in a] for id in counted]
    second = [[scale * one[id].correct for one in b] for id in counted]
    return paired(first, second, [a[0][id].template or id for id in counted])
