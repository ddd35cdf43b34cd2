"""How sure an evaluated student is of its answers, beside whether they are right.

confidence = assessed(predictions, verdicts, calibration=None, draws=0)    # of the scored splits
confidence.rows              (ScoredAnswer(id="q-1", split="test", score=-0.02, right=True, …), …)
confidence.why               empty; else why nothing is known
confidence.summary(splits)   what run.json keeps

Nothing here is a promise: that takes a calibration on questions of people (`dstill.runs.judgements`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.records import Level, Prediction, Verdict
from dstill.confidence.calibration import Calibration, score_of
from dstill.confidence.selective import ScoredAnswer, counts, measured

__all__ = ["FILE", "Confidence", "assessed"]

FILE = "confidence.jsonl"  # of a run


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """The confidence in the answers of one evaluation."""

    rows: tuple[ScoredAnswer, ...] = ()
    why: str = ""  # why nothing is known

    def summary(self, splits: Sequence[str]) -> dict[str, Any]:
        """The figures of each split."""
        if self.why:
            return {"why": self.why}
        of_split = {split: [row for row in self.rows if row.split == split] for split in splits}
        return {"why": "", "splits": {split: measured(rows).to_row() for split, rows in of_split.items()}}


def assessed(
    predictions: Sequence[Prediction], verdicts: Sequence[Verdict], *, calibration: Calibration | None, draws: int
) -> Confidence:
    """The confidence in answers. `draws`: answers that were drawn beside each of them."""
    pairs = zip(predictions, verdicts, strict=True)
    return Confidence(rows=tuple(_scored(calibration, draws, prediction, verdict) for prediction, verdict in pairs))


def _scored(calibration: Calibration | None, draws: int, prediction: Prediction, verdict: Verdict) -> ScoredAnswer:
    score, valid = score_of(prediction, draws), verdict.reached >= Level.VALID
    calibrated = calibration.score(prediction) if calibration and valid else None
    return ScoredAnswer(
        id=verdict.id,
        split=verdict.split,
        score=None if score is None else round(score, 6),
        confidence=None if calibration is None or calibrated is None else round(calibration.confidence(calibrated), 4),
        valid=valid,
        right=verdict.correct if counts(verdict) else None,
    )
