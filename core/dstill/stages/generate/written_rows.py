"""Questions with answers that a teacher wrote → rows: checked, run, and without repetitions.

    examples = [example_of(line, brief, "metric") for line in read(reply)]
    rows = checked(setup, examples, executor)      # for each example a Record, or a Rejection that says why not

Texts of a teacher are data: nothing in them is followed, and an answer passes the same checks as that of a student.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dstill.answering import steps
from dstill.api.executor import Executor
from dstill.api.form import NotExpressible
from dstill.api.protocols import QuestionBrief
from dstill.api.records import Example, Problem, Record, Rejection
from dstill.factory import Setup
from dstill.inputs.dedup import select
from dstill.stages.generate import label
from dstill.stages.generate.question_inventor import LONGEST
from dstill.stages.generate.teacher_questions import Written, id_of

__all__ = ["checked", "example_of"]


def example_of(line: Written, brief: QuestionBrief, category: str) -> Example:
    """The question of a line, with its answer. Equal questions have equal ids."""
    return Example(
        id=f"teacher-{id_of(line.question)}",
        question=line.question,
        context=brief.context,
        answer=line.answer or None,
        rationale=line.rationale or None,
        category=category,
        split="train",
    )


def checked(
    setup: Setup, examples: Sequence[Example], executor: Executor | None, *, before: Sequence[Record] = ()
) -> list[Record | Rejection]:
    """The row of each of `examples`, in their order. Without an `executor`, no answer is run.

    `before`: rows that are there already, and not to be repeated.
    """
    rows = _without_repetitions((_row(setup, example) for example in examples), {row.id for row in before})
    if executor is not None:
        rows = steps.execute(((row, True) for row in rows), executor, setup.task, Counter())
    return list(select([*before, *rows], setup.task))[len(before) :]


def _row(setup: Setup, example: Example) -> Record | Rejection:
    if problem := _unusable(example):
        return Rejection(id=example.id, question=example.question, problems=(problem,), text=example.answer or "")
    row = label.settled(setup.plugins, setup.task, example)
    if isinstance(row, Record) and (problem := _not_expressible(setup, row)):
        return Rejection(id=row.id, question=row.question, problems=(problem,), text=row.answer)
    return row


def _unusable(example: Example) -> Problem | None:
    if not example.question:
        return Problem(layer="reply", code="no_question", message="a line has no question")
    if len(example.question) > LONGEST:
        message = f"the question is longer than {LONGEST:,} characters"
        return Problem(layer="reply", code="question_too_long", message=message)
    if not example.answer:
        return Problem(layer="reply", code="no_answer", message="the question has no answer")
    return None


def _not_expressible(setup: Setup, row: Record) -> Problem | None:
    """Why a student that points could not learn the row; None: it could, or the student does not point."""
    form = setup.student.form if setup.student.reads_schema else None
    if form is None:
        return None
    try:
        form.encode(row.answer, form.read(row.example))
    except NotExpressible as error:
        return Problem(layer="form", code="not_expressible", message=str(error))
    return None


def _without_repetitions(rows: Iterable[Record | Rejection], ids: set[str]) -> Iterator[Record | Rejection]:
    """Each row, those of a question that is there (`ids`) as rejections."""
    for row in rows:
        if isinstance(row, Record) and row.id in ids:
            problem = Problem(layer="curation", code="duplicate", message="the same question was written before")
            yield Rejection(id=row.id, question=row.question, problems=(problem,), text=row.answer)
            continue
        if isinstance(row, Record):
            ids.add(row.id)
        yield row
