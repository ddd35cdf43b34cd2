"""The facts next to an answer on the page: the fields of each data set, example questions, the server's features.

model_info(student, executes=True, feedback=False)
{"model": "weblogs-…", "title": "weblogs-…", "data": {"weblogs": {"title": …, "fields": [[…]]}}, …}
"""

from __future__ import annotations

from typing import Any

from dstill.api.rows import has_rows
from dstill.api.task import data_of
from dstill.stages.predict.answer_objects import data_rows
from dstill.stages.predict.predictor import QUESTION_LIMIT
from dstill_serve.student import Student

__all__ = ["model_info"]

PER_CATEGORY = 3  # example questions
MAX_CATEGORIES = 40


def model_info(student: Student, *, executes: bool, feedback: bool) -> dict[str, Any]:
    """The reply of `/v1/about`, without drift. Raises DataError if the run's data cannot be read."""
    run = student.run
    contexts = student.contexts or {"": student.predictor.context}
    return {
        "model": student.model,
        "title": run.title or student.model,
        "notes": [*run.brief, *run.advice],
        "task": run.task.name,
        "layers": [{"name": check.name, "parses": check.parses} for check in run.task.checks],
        "executes": executes,
        "feedback": feedback,
        "explains": student.predictor.explains,
        "longest": QUESTION_LIMIT,
        "data_noun": run.task.data_noun,
        "data": {name: data_rows(run.task, context) for name, context in contexts.items()},
        "examples": {} if has_rows(run.task.config) else _examples(student),  # their values are of any row
    }


def _examples(student: Student) -> dict[str, list[dict[str, str]]]:
    """Category → a few of its test questions, which the student was not trained on, and which the data can answer."""
    examples: dict[str, list[dict[str, str]]] = {}
    for record in student.run.records("test"):
        if student.run.task.is_refusal(record.answer):
            continue
        if record.category not in examples and len(examples) == MAX_CATEGORIES:
            continue
        chosen = examples.setdefault(record.category, [])
        if len(chosen) < PER_CATEGORY and all(row["question"] != record.question for row in chosen):
            name = data_of(student.run.task, record)
            chosen.append({"question": record.question, "data": name if name in student.contexts else ""})
    return dict(sorted(examples.items()))
