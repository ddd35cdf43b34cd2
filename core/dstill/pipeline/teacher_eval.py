"""How good the teacher is: its answers against gold answers that existed before it was asked.

    answers(setup, requests, rows)           →  what the teacher replied about each question that has a given answer
    unmeasured(plugins, "synthetic", golds)  →  "the teacher 'synthetic' repeats reference answers"; empty: it can be
    judged(setup, golds, answers, executor)  →  a Verdict on the teacher's answer to each of `golds`, in order

The dataset has the given answers, so the teacher's are kept beside it. A student that learns them can hardly do better.
A reply that failed a check is judged as it is. A row that the curation removed, as a duplicate, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dstill.api.executor import Executor
from dstill.api.records import Example, Prediction, Record, Rejection, TeacherRequest, Verdict
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.pipeline import given
from dstill.pipeline.evaluate import Metrics
from dstill.plugins import Plugins
from dstill.teacher import fence

__all__ = ["TeacherScores", "answers", "judged", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class TeacherScores:
    """The scores of the teacher, or why it has none."""

    why: str = ""  # the teacher was not scored; empty: it was
    scores: Mapping[str, Metrics] = field(default_factory=dict)  # by split


def answers(
    setup: Setup, requests: Iterable[TeacherRequest], rows: Iterable[Record | Rejection]
) -> list[Prediction] | None:
    """What the teacher replied about each question that has a given answer, in the form of `Task.reply_text`.

    Not about those whose answer it saw. `rows`: of the replies to `requests`. None: the teacher repeats given answers.
    """
    settings = setup.settings.generate
    if setup.plugins.is_lookup(settings.teacher):
        return None
    found = []
    for request, row in zip(requests, rows, strict=True):
        example, asked = request.example, request.keys or request.problems
        if asked and example.answer is not None and not given.explains(example, settings):
            found.append(Prediction(id=example.id, text=_reply(setup.task, example, row)))
    return found


def unmeasured(plugins: Plugins, teacher: str, golds: Sequence[Example]) -> str:
    """Why the teacher cannot be scored; empty: it can.

    `golds`: questions of the scored splits that had an answer before the teacher was asked.
    """
    if plugins.is_lookup(teacher):
        return f"the teacher '{teacher}' repeats reference answers"
    return "" if golds else "no question that is scored had a reference answer before the teacher was asked"


def judged(
    setup: Setup,
    golds: Iterable[Example],
    answers: Iterable[Prediction],
    rejections: Iterable[Rejection],
    executor: Executor | None,
) -> Iterator[Verdict]:
    """A verdict on each of `golds` that the teacher answered, and that the curation did not remove (`rejections`)."""
    texts = {answer.id: answer.text for answer in answers}
    removed = {row.id for row in rejections if any(problem.layer == "curation" for problem in row.problems)}
    for example in golds:
        if example.id in texts and example.id not in removed:
            draft = setup.plugins.parse_reply(setup.task, texts[example.id])
            yield setup.plugins.judge_answer(setup.task, example, draft, executor)


def _reply(task: Task, example: Example, row: Record | Rejection) -> str:
    if isinstance(row, Record):
        return task.reply_text(row.rationale, row.answer)
    if any(problem.layer == "engine" for problem in row.problems):
        return task.reply_text("", row.text)  # the answer alone: it was parsed before it was run
    return fence.removed(row.text, example)[0]
