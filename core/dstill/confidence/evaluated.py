"""The confidence of an evaluated student: from the verdicts on its answers to a calibration, rows and figures.

confidence = assessed(predictions, verdicts, draws=0)    # of all splits, validation among them
confidence.calibration       Calibration(…); None: `confidence.why` says why there is none
confidence.rows              (ScoredAnswer(id="q-1", split="test", confidence=0.99, right=True, …), …)
confidence.summary(splits)   what run.json keeps
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from dstill.api.records import Level, Prediction, Verdict
from dstill.confidence.calibration import Calibration, fitted, score_of
from dstill.confidence.promise import Promise
from dstill.confidence.selective import RISKS, ScoredAnswer, counts, measured
from dstill.errors import MissingExtra

__all__ = ["FILE", "VALIDATION", "Confidence", "assessed"]

FILE = "confidence.jsonl"  # of a run
VALIDATION = "validation"  # the split that decides; no other may
MOST = 2_000  # validation rows that are answered


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """The confidence in the answers of one evaluation."""

    calibration: Calibration | None = None
    rows: tuple[ScoredAnswer, ...] = ()
    why: str = ""  # why there is no calibration

    @classmethod
    def none(cls, why: str) -> Self:
        """No confidence, for this reason."""
        return cls(why=why)

    def summary(self, splits: Sequence[str]) -> dict[str, Any]:
        """The figures of each split, and the promises that hold with what became of them in each split."""
        if self.calibration is None:
            return {"why": self.why}
        by_split = {split: [row for row in self.rows if row.split == split] for split in splits}
        promises = [self.calibration.promise(most) for most in RISKS]
        return {
            "why": "",
            "draws": self.calibration.draws,
            "validation": {"n": len(self.calibration.right), "wrong": self.calibration.right.count(False)},
            "splits": {split: measured(rows).to_row() for split, rows in by_split.items()},
            "promises": [
                {**promise.to_row(), "splits": {split: _given(promise, rows) for split, rows in by_split.items()}}
                for promise in promises
            ],
        }


def _given(promise: Promise, rows: Sequence[ScoredAnswer]) -> dict[str, int]:
    """Counts of the answers of one split if only those above the cut are given."""
    counted = [row for row in rows if row.right is not None]
    confident = [row for row in counted if row.valid and promise.gives(row.score)]
    return {"n": len(counted), "given": len(confident), "wrong": sum(not row.right for row in confident)}


def assessed(predictions: Sequence[Prediction], verdicts: Sequence[Verdict], *, draws: int) -> Confidence:
    """The confidence in answers of all splits, calibrated on those of validation.

    `draws`: answers that were drawn beside each of them.
    """
    scores = [score_of(prediction, draws) for prediction in predictions]
    pairs = [
        (score, verdict.correct)
        for score, verdict in zip(scores, verdicts, strict=True)
        if score is not None and verdict.split == VALIDATION and verdict.reached >= Level.VALID and counts(verdict)
    ]
    if not pairs:
        return Confidence.none("no valid validation answer has a verdict that counts")
    try:
        calibration = fitted([score for score, _ in pairs], [right for _, right in pairs], draws=draws)
    except MissingExtra as problem:
        return Confidence.none(problem.what)
    rows = (_scored(calibration, score, verdict) for score, verdict in zip(scores, verdicts, strict=True))
    return Confidence(calibration=calibration, rows=tuple(rows))


def _scored(calibration: Calibration, score: float | None, verdict: Verdict) -> ScoredAnswer:
    valid = verdict.reached >= Level.VALID
    return ScoredAnswer(
        id=verdict.id,
        split=verdict.split,
        score=None if score is None else round(score, 6),
        confidence=round(calibration.confidence(score), 4) if valid and score is not None else None,
        valid=valid,
        right=verdict.correct if counts(verdict) else None,
    )
