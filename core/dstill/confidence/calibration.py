"""From log-probabilities to the probability that an answer is right, learned from answers that people judged.

    calibration = fitted(scores, right)          # of judged answers
    score = calibration.score(prediction)        →  -0.02; None: the student gives no log-probability
    calibration.confidence(score)                →  0.993
    calibration.promise(0.05)                    →  Promise(holds=True, cut=-0.41, …)

The score of an answer is its log-probability, the sum over its tokens. If answers were drawn, the logarithm of the
share that agrees is added (with Laplace's correction, so that it is finite). The score uses no labels, which the
promise needs. The confidence is a logistic function of ``-log(1 - score)``, fitted as Platt (1999) does: a higher score
never gives a lower confidence. `docs/confidence.md` says which other signals were measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dstill.answering import steps
from dstill.api.objective import Objective
from dstill.api.records import Example, Prediction, Row
from dstill.api.student import Generator
from dstill.api.task import Task
from dstill.confidence.promise import LEVEL, Promise, promised
from dstill.errors import needs

__all__ = ["FILE", "Calibration", "fitted", "score_of", "with_agreement"]

FILE = "calibration.jsonl"  # of a run
TEMPERATURE = 1.0  # of drawn answers: the student's own probabilities


@dataclass(frozen=True, kw_only=True)
class Calibration(Row):
    """The meaning of scores, from judged answers. The only row of calibration.jsonl."""

    slope: float  # 0 or more; 0: scores do not tell right from wrong
    intercept: float
    draws: int = 0  # answers that were drawn for each question; 0: none
    scores: tuple[float, ...]  # of the judged answers
    right: tuple[bool, ...]  # of the same

    def score(self, prediction: Prediction) -> float | None:
        """The score of an answer, as in the calibration; None: not known."""
        return score_of(prediction, self.draws)

    def confidence(self, score: float) -> float:
        """The probability that a valid answer with this score is right, on questions like the judged ones."""
        return _sigmoid(self.slope * _spread(score) + self.intercept)

    def promise(self, max_wrong: float, level: float = LEVEL) -> Promise:
        """The cut above which at most `max_wrong` of the answers are wrong, if one holds. Raises UsageError."""
        return promised(self.scores, self.right, max_wrong, level)


def fitted(scores: Sequence[float], right: Sequence[bool], *, draws: int = 0) -> Calibration:
    """The calibration of at least one judged answer. Raises MissingExtra.

    Platt's targets (1999, section 2.2) in place of 0 and 1 keep the fit finite when all answers are right.
    """
    with needs("a calibrated confidence", "evaluate"):
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    n_right = sum(right)
    high, low = (n_right + 1) / (n_right + 2), 1 / (len(right) - n_right + 2)
    weights = [high if ok else low for ok in right]
    slope, intercept = 0.0, 0.0
    if 0 < n_right < len(right):
        spread = [[_spread(score)] for score in scores]
        model = LogisticRegression(C=1e6).fit(
            [*spread, *spread], [1] * len(right) + [0] * len(right), [*weights, *(1 - weight for weight in weights)]
        )
        slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        mean = sum(weights) / len(weights)
        slope, intercept = 0.0, math.log(mean / (1 - mean))
    return Calibration(slope=slope, intercept=intercept, draws=draws, scores=tuple(scores), right=tuple(right))


def score_of(prediction: Prediction, draws: int) -> float | None:
    """The score of an answer if this many were drawn beside it; None: not known."""
    if prediction.logprob is None or not draws:
        return prediction.logprob
    if prediction.agreement is None:
        return None
    return prediction.logprob + math.log((prediction.agreement * draws + 1) / (draws + 2))


def with_agreement(
    generator: Generator,
    objective: Objective,
    task: Task,
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    *,
    draws: int,
    seed: int,
) -> Iterator[Prediction]:
    """The predictions with the share of `draws` drawn answers that have the same canonical form."""
    sampled = steps.sample(generator, objective, task, examples, draws, temperature=TEMPERATURE, seed=seed)
    for prediction, drawn in zip(predictions, sampled, strict=True):
        own = _canonical(prediction, objective, task)
        same = sum(own is not None and _canonical(answer, objective, task) == own for answer in drawn)
        yield replace(prediction, agreement=round(same / draws, 6))


def _canonical(prediction: Prediction, objective: Objective, task: Task) -> str | None:
    draft = steps.draft_of(prediction, objective, task)
    return None if draft is None else task.canonical(draft.answer)


def _spread(score: float) -> float:
    """Scores near 0 differ as much as those far below: ``-log(1 - score)``."""
    return -math.log1p(max(0.0, -score))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
