"""Arms of an experiment: trials that differ in their seed alone, compared on the items that they share.

compared(verdicts(trials, dss), verdicts(trials, label_only))  →  Paired(difference=0.03, low=…, …)
"""

from __future__ import annotations

from typing import Mapping, Sequence

from dstill.errors import DataError
from dstill.run import Run
from dstill_evaluate.comparing import Found, Verdicts, corrected, counted, held_against, right
from dstill_evaluate.paired import Paired, paired
from dstill_sweep.trials import Trial, Trials

__all__ = ["Verdicts", "compared", "held_against_each", "verdicts"]


def verdicts(trials: Trials, arm: Sequence[Trial], split: str = "") -> Verdicts:
    """What came of the answers of finished trials, on the set that they are scored on or on one `beside` it."""
    opened = (Run.open(trials.folder / trial.name, plugins=trials.parent.plugins) for trial in arm)
    return [{v.id: v for v in run.verdicts() if v.split == (split or trials.split)} for run in opened]


def compared(a: Verdicts, b: Verdicts, *, scale: float = 1.0) -> Paired:
    """Arm `a` against arm `b` times `scale` (0.95: is `a` within 5 % of `b`?), on the items that count in every trial.

    Left out for all are those that say nothing about an answer in one: an engine's failure, a gold that
    tells nothing. Raises DataError when none is left.
    """
    ids = _ids([a, b])
    second = [[scale * value for value in row] for row in right(b, ids)]
    return paired(right(a, ids), second, [a[0][id].template or id for id in ids])


def held_against_each(arms: Mapping[str, Verdicts], treatment: str) -> dict[str, Found]:
    """`treatment` against every other arm, told apart as `dstill compare` does it. Raises DataError as `compared`."""
    ids = _ids(list(arms.values()))
    others = [name for name in arms if name != treatment]
    found = [held_against(arms[treatment], arms[name], ids) for name in others]
    return dict(zip(others, corrected(found), strict=True))


def _ids(arms: Sequence[Verdicts]) -> list[str]:
    if ids := counted(arms):
        return ids
    raise DataError("no item could be scored in every trial", where="ablate", hint="is the engine there?")
