"""Compares the arms of an experiment on the items that they share. An arm is several trials with different seeds.

compare_with_each({"dss": verdicts(trials, …), "label-only": …}, "dss")  →  {"label-only": PairComparison(…)}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dstill.errors import DataError
from dstill.runs.run import Run
from dstill_evaluate.comparison import PairComparison, Verdicts, compare_pair, holm_corrected, judged_in_all
from dstill_sweep.trials import Trial, Trials

__all__ = ["Verdicts", "compare_with_each", "verdicts"]


def verdicts(trials: Trials, arm: Sequence[Trial], split: str = "") -> Verdicts:
    """The verdicts of the finished trials in `arm`, by item: on `split`, or by default on the trials' own split."""
    opened = (Run.open(trials.folder / trial.name, plugins=trials.parent.plugins) for trial in arm)
    return [{v.id: v for v in run.verdicts() if v.split == (split or trials.split)} for run in opened]


def compare_with_each(arms: Mapping[str, Verdicts], treatment: str) -> dict[str, PairComparison]:
    """Compare `treatment` with every other arm, with the statistics of `dstill experiment compare`.

    An item that is not counted in one trial, for example because the engine failed, is excluded from all. Raises
    DataError if no item remains.
    """
    ids = judged_in_all(list(arms.values()))
    if not ids:
        raise DataError(
            "no item could be scored in every trial", where="ablate", hint="check that the engine is reachable"
        )
    others = [name for name in arms if name != treatment]
    pairs = [compare_pair(arms[treatment], arms[name], ids) for name in others]
    return dict(zip(others, holm_corrected(pairs), strict=True))
