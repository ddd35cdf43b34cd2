"""What the page shows beside an answer: the fields of each data, questions to try, and what this server does.

about(student, executes=True)    {"model": "weblogs-…", "data": {"weblogs": {"title": …, "fields": [[…]]}}, …}
"""

from __future__ import annotations

from typing import Any

from dstill.api.protocols import Presentation
from dstill.api.records import Example
from dstill.api.task import data_of
from dstill.pipeline.predict import QUESTION_LIMIT
from dstill_serve.student import Student

__all__ = ["about"]

EACH = 3  # questions of a category
CATEGORIES = 40


def about(student: Student, *, executes: bool) -> dict[str, Any]:
    """Read once, when the server starts. Raises DataError where what the run is about cannot be read."""
    run = student.run
    return {
        "model": student.model,
        "task": run.task.name,
        "layers": [{"name": check.name, "parses": check.parses} for check in run.task.checks],
        "executes": executes,
        "explains": student.answering.explains,
        "longest": QUESTION_LIMIT,
        "data_noun": run.task.data_noun,
        "data": {name: _fields(student, context) for name, context in _contexts(student).items()},
        "examples": _examples(student),
    }


def _contexts(student: Student) -> dict[str, Any]:
    return student.contexts or {"": student.answering.context}


def _fields(student: Student, context: Any) -> dict[str, Any]:
    excerpt = Presentation.of(student.run.task).relevant_schema(Example(id="", question="", context=context), "")
    return {"title": excerpt.title, "fields": [*excerpt.used, *excerpt.rest]}


def _examples(student: Student) -> dict[str, list[dict[str, str]]]:
    """A few questions of each category that the student was not trained on."""
    found: dict[str, list[dict[str, str]]] = {}
    for record in student.run.records("test"):
        if record.category not in found and len(found) == CATEGORIES:
            continue
        some = found.setdefault(record.category, [])
        if len(some) < EACH and all(one["question"] != record.question for one in some):
            name = data_of(student.run.task, record)
            some.append({"question": record.question, "data": name if name in student.contexts else ""})
    return dict(sorted(found.items()))
