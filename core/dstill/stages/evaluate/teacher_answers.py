"""The answers of a teacher that are compared with given ones: `dstill.stages.evaluate.teacher` scores them.

    answers(setup, requests, rows)     →  what the teacher replied about each question that has a given answer

The dataset has the given answers, so the teacher's are kept beside it. A student that learns them can hardly do better.
"""

from __future__ import annotations

from collections.abc import Iterable

from dstill.api.records import Example, Prediction, Record, Rejection, TeacherRequest
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.inputs import given
from dstill.teacher import fence

__all__ = ["answers"]


def answers(
    setup: Setup, requests: Iterable[TeacherRequest], rows: Iterable[Record | Rejection]
) -> list[Prediction] | None:
    """The teacher's replies to the questions that have a given answer, in the form of `Task.reply_text`.

    Not about those whose answer it saw. `rows`: of the replies to `requests`. None: the teacher repeats given answers.
    """
    settings = setup.settings.generate
    if setup.plugins.is_lookup(settings.teacher):
        return None
    predictions = []
    for request, row in zip(requests, rows, strict=True):
        example, replied = request.example, request.keys or request.problems
        if replied and example.answer is not None and not given.explains(example, settings):
            predictions.append(Prediction(id=example.id, text=_reply(setup.task, example, row)))
    return predictions


def _reply(task: Task, example: Example, row: Record | Rejection) -> str:
    if isinstance(row, Record):
        return task.reply_text(row.rationale, row.answer)
    if any(problem.layer == "engine" for problem in row.problems):
        return task.reply_text("", row.text)  # the answer alone: it was parsed before it was run
    return fence.removed(row.text, example)[0]
