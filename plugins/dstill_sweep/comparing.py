"""Arms of an experiment: trials that differ in their seed alone, compared on the items that they share.

held_against_each({"dss": verdicts(trials, …), "label-only": …}, "dss")  →  {"label-only": PairComparison(…)}
"""

from __future__ import annotations

from typing import Mapping, Sequence

from dstill.errors import DataError
from dstill.runs.run import Run
from dstill_evaluate.comparison import PairComparison, Verdicts, compare_pair, holm_corrected, judged_in_all
from dstill_sweep.trials import Trial, Trials

__all__ = ["Verdicts", "held_against_each", "verdicts"]


def verdicts(trials: Trials, arm: Sequence[Trial], split: str = "") -> Verdicts:
    """What came of the answers of finished trials, on the set that they are scored on or on one `beside` it."""
    opened = (Run.open(trials.folder / trial.name, plugins=trials.parent.plugins) for trial in arm)
    return [{v.id: v for v in run.verdicts() if v.split == (split or trials.split)} for run in opened]


def held_against_each(arms: Mapping[str, Verdicts], treatment: str) -> dict[str, PairComparison]:
    """`treatment` against every other arm, told apart as `dstill experiment compare` does it.

    Left out for all are items that say nothing about an answer in one trial: an engine's failure, a gold that
    tells nothing. Raises DataError when none is left.
    """
    ids = judged_in_all(list(arms.values()))
    if not ids:
        raise DataError("no item could be scored in every trial", where="ablate", hint="is the engine there?")
    others = [name for name in arms if name != treatment]
    found = [compare_pair(arms[treatment], arms[name], ids) for name in others]
    return dict(zip(others, holm_corrected(found), strict=True))
