"""A second look at an answer that did not work: it does not pass the checks, fails to run, or finds nothing.

    needs_second_look(task, answered)      → True for "0 rows"
    first_that_finds(task, answered, others)
    → the most probable other answer that runs and finds something, with the first as `first_answer`; else the first

First come the values of the data (`value_lookup`), then other answers. A student puts the answer that is right first
more often than not. Where the first one finds nothing, it is nearly always wrong, and the right one is often among the
next few (docs/confidence.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dstill.api.faults import about
from dstill.api.protocols import ResultProperties
from dstill.api.records import OutcomeKind, Prediction, Problem, Severity
from dstill.api.task import Task
from dstill.stages.predict.predicted import PredictedAnswer

__all__ = ["CANDIDATES", "finds", "first_that_finds", "in_place_of", "near_the_best", "needs_second_look", "warned"]

CANDIDATES = 8  # answers that are written for a second look
MARGIN = 4.0  # nats: an answer that is less probable by more than this is no alternative


def warned(task: Task, answered: PredictedAnswer) -> PredictedAnswer:
    """An answer that ran, with a warning if it finds nothing."""
    if not _finds_nothing(task, answered):
        return answered
    hint = "compare its conditions with what was asked"
    warning = Problem(
        layer="result",
        code="finds_nothing",
        message="it runs, and finds nothing",
        hint=hint,
        severity=Severity.WARNING,
    )
    return replace(answered, problems=(*answered.problems, warning))


def needs_second_look(task: Task, answered: PredictedAnswer) -> bool:
    """Whether the student's answer did not work, for a reason that another answer may not have."""
    if answered.refused or answered.abstained or not answered.by_student:
        return False
    if not answered.ok:
        return answered.outcome not in (OutcomeKind.UNAVAILABLE, OutcomeKind.UNSUPPORTED)
    return bool(answered.outcome) and _finds_nothing(task, answered)


def near_the_best(candidates: Iterable[Prediction], margin: float = MARGIN) -> list[Prediction]:
    """The candidates, most probable first, that are less probable than the first by at most this many nats."""
    known = [candidate for candidate in candidates if candidate.logprob is not None]
    best = max((candidate.logprob or 0.0 for candidate in known), default=0.0)
    return [candidate for candidate in known if (candidate.logprob or 0.0) >= best - margin]


def first_that_finds(task: Task, answered: PredictedAnswer, others: Iterable[PredictedAnswer]) -> PredictedAnswer:
    """The first of `others` that ran and finds something, in the place of `answered`; `answered` if there is none."""
    for other in others:
        if other.answer != answered.answer and finds(task, other):
            return in_place_of(answered, other, why=_what_is_wrong(answered))
    return answered


def in_place_of(answered: PredictedAnswer, other: PredictedAnswer, why: str) -> PredictedAnswer:
    """`other`, with what `answered` was and why it is not the answer."""
    return replace(other, first_answer=answered.answer, second_look=why, seconds=answered.seconds + other.seconds)


def _what_is_wrong(answered: PredictedAnswer) -> str:
    """Why an answer needs a second look."""
    if answered.ok:
        return "the first answer finds nothing"
    return f"the first answer {'fails' if answered.outcome else 'is not valid'}: {answered.reason}"


def finds(task: Task, answered: PredictedAnswer) -> bool:
    """Whether an answer ran and finds something."""
    return answered.ok and bool(answered.outcome) and not _finds_nothing(task, answered)


def _finds_nothing(task: Task, answered: PredictedAnswer) -> bool:
    with about(answered.id):
        return ResultProperties.of(task).is_empty(answered.result)
