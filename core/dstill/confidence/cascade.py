"""The student and a large model together: what the whole answers, and what it takes, for each cut.

    asked = questions(answers, student_predictions, large, verdicts, usd_per_hour=None)
    cascade(asked, promises)   →  Cascade(n=264, student=Mix(…), large=Mix(…), cuts=(Mix(…), …), shares=(Mix(…), …))

The student answers the questions above a cut, the large model the others and those whose answer of the student the
checks refuse, as ``dstill predict --max-wrong --fallback`` does. Both have answered all questions in an evaluation, so
no model is asked here. Only questions are counted whose verdicts count for both.

The student writes first in any case, so its time is a part of each question. `Cascade.cuts` were chosen on validation
rows. `Cascade.shares` are the surest 0 %, 10 %, … of these very questions: they describe and promise nothing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dstill.answering.prompted import Prompted
from dstill.api.metric import wilson
from dstill.api.records import Prediction, Row, Verdict
from dstill.confidence.promise import Promise
from dstill.confidence.selective import ScoredAnswer, counts

__all__ = ["Cascade", "Effort", "Mix", "Question", "cascade", "questions"]

TENTHS = 10


@dataclass(frozen=True, kw_only=True)
class Effort:
    """The effort of an answer; None: not known."""

    seconds: float | None
    usd: float | None


@dataclass(frozen=True, kw_only=True)
class Question:
    """The answers to one question, by the student and by the large model."""

    score: float | None  # the student's; None: not known, or the checks refuse its answer
    student_right: bool
    large_right: bool
    student: Effort
    large: Effort


@dataclass(frozen=True, kw_only=True)
class Mix(Row):
    """The answers of the student to some questions and of the large model to the others."""

    max_wrong: float | None = None  # of the promise whose cut it is; None: it has none
    share: float | None = None  # of the questions that the student was to answer at most; None: a cut decides
    here: int  # questions that the student answers
    wrong_here: int  # of these
    right: int  # of all questions
    accuracy: float
    low: float  # Wilson's interval at 95 %
    high: float
    seconds: float | None  # the mean of a question; None: not known
    usd_per_1000: float | None


@dataclass(frozen=True, kw_only=True)
class Cascade(Row):
    """Both systems alone and together, on the same questions."""

    n: int  # questions
    student: Mix
    large: Mix
    cuts: tuple[Mix, ...]  # of the promises that hold
    shares: tuple[Mix, ...]  # the least first, without repetitions


def questions(
    answers: Sequence[ScoredAnswer],
    written: Sequence[Prediction],
    large: Prompted,
    verdicts: Sequence[Verdict],
    *,
    usd_per_hour: float | None,
) -> dict[str, list[Question]]:
    """The questions that count for both systems, by split.

    `answers`: the student's, with their scores; `written`: the same with their times. `verdicts`: on the answers of
    `large`, in its order. `usd_per_hour`: of the machine; None: not known, and it counts nothing in a cascade.
    """
    of_student = {answer.id: answer for answer in answers if answer.right is not None}
    seconds = {prediction.id: prediction.seconds for prediction in written}
    by_split: dict[str, list[Question]] = {}
    for verdict, prediction, usd in zip(verdicts, large.predictions, large.usd, strict=True):
        own = of_student.get(verdict.id)
        if own is None or not counts(verdict):
            continue
        took = seconds.get(verdict.id)
        question = Question(
            score=own.score if own.valid else None,
            student_right=bool(own.right),
            large_right=verdict.correct,
            student=Effort(seconds=took, usd=None if took is None or not usd_per_hour else took / 3600 * usd_per_hour),
            large=Effort(seconds=prediction.seconds, usd=usd),
        )
        by_split.setdefault(verdict.split, []).append(question)
    return by_split


def cascade(rows: Sequence[Question], promises: Sequence[Promise]) -> Cascade:
    """The cascade over at least one question, at the cuts of the promises that hold and at each tenth."""
    cuts = [replace(_mix(rows, promise.gives), max_wrong=promise.max_wrong) for promise in promises if promise.holds]
    shares: dict[int, Mix] = {}
    for tenth in range(TENTHS + 1):
        mix = _mix(rows, _surest(rows, len(rows) * tenth // TENTHS))
        shares.setdefault(mix.here, replace(mix, share=tenth / TENTHS))
    student = _figures(rows, (), rows)
    if all(row.student.usd is None for row in rows):
        student = replace(student, usd_per_1000=None)
    return Cascade(
        n=len(rows),
        student=student,
        large=_figures((), rows, ()),
        cuts=tuple(cuts),
        shares=tuple(shares.values()),
    )


def _surest(rows: Sequence[Question], most: int) -> Callable[[float | None], bool]:
    """Whether a score is among the best `most` or fewer: equal ones stay together."""
    ranked = sorted((row.score for row in rows if row.score is not None), reverse=True)
    least, taken = math.inf, 0
    for score, equal in groupby(ranked):
        taken += len(list(equal))
        if taken > most:
            break
        least = score
    return lambda score: score is not None and score >= least


def _mix(rows: Sequence[Question], gives: Callable[[float | None], bool]) -> Mix:
    """The student writes to every question; the large model answers where the score does not give."""
    return _figures([row for row in rows if gives(row.score)], [row for row in rows if not gives(row.score)], rows)


def _figures(here: Sequence[Question], there: Sequence[Question], written: Sequence[Question]) -> Mix:
    """The student answers `here`, the large model `there`. The student has `written` answers to these."""
    n = len(here) + len(there)
    right_here = sum(row.student_right for row in here)
    right = right_here + sum(row.large_right for row in there)
    low, high = wilson(right, n)
    own, effort = [row.student for row in written], [row.large for row in there]
    seconds = [_sum([cost.seconds for cost in part]) for part in (own, effort)]
    usd, machine = _sum([cost.usd for cost in effort]), _sum([cost.usd for cost in own])
    return Mix(
        here=len(here),
        wrong_here=len(here) - right_here,
        right=right,
        accuracy=right / n,
        low=low,
        high=high,
        seconds=_per_question(seconds, n),
        usd_per_1000=_per_question((usd, machine or 0.0), n / 1000),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum, where an unknown value counts as the mean of the others. None: none is known."""
    known = [value for value in values if value is not None]
    if not values:
        return 0.0
    return statistics.fmean(known) * len(values) if known else None


def _per_question(parts: Sequence[float | None], n: float) -> float | None:
    known = [part for part in parts if part is not None]
    return round(sum(known) / n, 6) if len(known) == len(parts) else None
