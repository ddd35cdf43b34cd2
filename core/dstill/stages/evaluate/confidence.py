"""How sure the student is, and what it and a large model answer together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from dstill.answering import steps
from dstill.answering.prompted import Prompted
from dstill.api.executor import Executor
from dstill.api.records import Example, Prediction, Verdict
from dstill.confidence.cascade import Cascade, cascade, questions
from dstill.confidence.evaluated import VALIDATION, Confidence, assessed
from dstill.confidence.selective import RISKS
from dstill.factory import Setup
from dstill.runtime import spooled
from dstill.stages.evaluate.answering import CALIBRATION, Source, answers
from dstill.stages.evaluate.judging import Judged
from dstill.stages.evaluate.systems import STUDENT

__all__ = ["Cascades", "cascades", "confidence_in"]

Cascades = Mapping[str, Mapping[str, Cascade]]  # by large model and split


def confidence_in(
    setup: Setup,
    source: Source,
    validation: Sequence[Example],
    predictions: Sequence[Prediction],
    judged: Judged,
    executor: Executor | None,
) -> Confidence:
    """The confidence in the student's `predictions`, after it answered the `validation` questions too."""
    if executor is None or judged.invalid:
        return Confidence.none("no answer was executed" if executor is None else "the evaluation is invalid")
    if all(prediction.logprob is None for prediction in predictions):
        return Confidence.none("these answers have no log-probability")
    if not validation:
        return Confidence.none("the run has no validation rows")
    verdicts: Iterable[Verdict] = judged.verdicts[STUDENT]
    written: Sequence[Prediction] = ()
    if VALIDATION not in setup.settings.evaluate.splits:
        written = answers(setup, source, STUDENT, validation, CALIBRATION)
        pairs = zip(validation, written, strict=True)
        verdicts = chain(verdicts, steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor))
    both = spooled.predictions(chain(predictions, written))
    return assessed(both, spooled.verdicts(verdicts), draws=setup.settings.evaluate.agreement)


def cascades(
    setup: Setup,
    confidence: Confidence,
    predictions: Sequence[Prediction],
    prompted: Mapping[str, Prompted],
    judged: Judged,
) -> Cascades:
    """The student with each large model behind it; empty without a calibration."""
    if confidence.calibration is None:
        return {}
    promises = [confidence.calibration.promise(most) for most in RISKS]
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
