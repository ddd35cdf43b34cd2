"""How sure the student is, and what it and a large model answer together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dstill.answering.prompted import Prompted
from dstill.api.executor import Executor
from dstill.api.records import Prediction
from dstill.confidence.calibration import Calibration
from dstill.confidence.cascade import Cascade, cascade, questions
from dstill.confidence.evaluated import Confidence, assessed
from dstill.confidence.selective import RISKS
from dstill.factory import Setup
from dstill.stages.evaluate.judging import Judged
from dstill.stages.evaluate.systems import STUDENT

__all__ = ["Cascades", "cascades", "confidence_in"]

Cascades = Mapping[str, Mapping[str, Cascade]]  # by large model and split


def confidence_in(
    setup: Setup,
    calibration: Calibration | None,
    predictions: Sequence[Prediction],
    judged: Judged,
    executor: Executor | None,
) -> Confidence:
    """The confidence in the student's `predictions`."""
    if executor is None or judged.invalid:
        return Confidence(why="no answer was executed" if executor is None else "the evaluation is invalid")
    if all(prediction.logprob is None for prediction in predictions):
        return Confidence(why="these answers have no log-probability")
    draws = setup.settings.evaluate.agreement
    return assessed(predictions, judged.verdicts[STUDENT], calibration=calibration, draws=draws)


def cascades(
    setup: Setup,
    confidence: Confidence,
    calibration: Calibration | None,
    predictions: Sequence[Prediction],
    prompted: Mapping[str, Prompted],
    judged: Judged,
) -> Cascades:
    """The student with each large model behind it; empty if the confidence is not known."""
    if confidence.why:
        return {}
    promises = [calibration.promise(most) for most in RISKS] if calibration else []
    rate = setup.settings.evaluate.machine_usd_per_hour
    return {
        system: {
            split: cascade(rows, promises)
            for split, rows in questions(
                confidence.rows, predictions, large, judged.verdicts[system], usd_per_hour=rate
            ).items()
        }
        for system, large in prompted.items()
    }
