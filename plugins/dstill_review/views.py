"""A row of the dataset as plain data for the page and the terminal.

    row_view(session, record)      {"id", "question", "rationale", "tree", "excerpt", "problems", …}
    result_view(session, record)   {"text": "367 hits: w00017, …"} or {"note": "not run: scripts are not allowed"}

All texts are untrusted: control and bidirectional characters are escaped (`visible`), and the page must set them as
text, never as HTML. A row's answer is executed only if no check finds an error in it.
"""

from __future__ import annotations

import json
from typing import Any

from dstill.answering.steps import in_words
from dstill.api.faults import about
from dstill.api.protocols import Presentation, ResultProperties
from dstill.api.records import OutcomeKind, Problem, Record
from dstill.cli.console import visible
from dstill.io.strict_json import NotStrict, loads
from dstill.quality.review import digest
from dstill_review.session import Checked

__all__ = ["editable", "problem_view", "result_view", "row_view"]


def row_view(session: Checked, record: Record) -> dict[str, Any]:
    """Everything about a row except the result of its answer."""
    task, example = session.run.task, record.example
    excerpt = Presentation.of(task).relevant_schema(example, record.answer)
    problems = session.problems(example, record.answer, record.rationale)
    has_words = not task.is_refusal(record.answer) and not any(problem.is_error for problem in problems)
    return {
        "id": record.id,
        "digest": digest(record),
        "name": visible(record.id),
        "split": record.split,
        "category": visible(record.category),
        "teacher": visible(record.teacher),
        "question": visible(record.question),
        "rationale": visible(record.rationale),
        "answer": visible(record.answer),
        "words": visible(in_words(task, example, record.answer)) if has_words else "",
        "tree": _tree_of(record.answer),
        "edit": {"answer": editable(record.answer, task.json_answers), "rationale": visible(record.rationale)},
        "excerpt": {
            "title": visible(excerpt.title),
            "used": [[visible(name), visible(text)] for name, text in excerpt.used],
            "rest": [[visible(name), visible(text)] for name, text in excerpt.rest],
        },
        "problems": [problem_view(problem) for problem in problems],
    }


def result_view(session: Checked, record: Record) -> dict[str, str]:
    """The result of the answer, or why it was not executed."""
    task, example = session.run.task, record.example
    error = next((p for p in session.problems(example, record.answer, record.rationale) if p.is_error), None)
    if error is not None:
        return {"note": visible(f"not run: {error.message}")}
    if task.is_refusal(record.answer):
        return {"note": "not run: the answer is a refusal"}
    outcome = session.outcome(example, record.answer)
    if outcome is None:
        return {"note": "not run: answers of this task are not executed"}
    if outcome.kind is not OutcomeKind.OK:
        return {"note": visible(f"{outcome.kind.value}: {outcome.reason}")}
    with about(record.id):
        view = {"text": visible(Presentation.of(task).render_result(outcome.value))}
        if ResultProperties.of(task).is_trivial(outcome.value, example):
            view["note"] = "this result proves nothing: it is empty or contains everything"
    return view


def problem_view(problem: Problem) -> dict[str, str]:
    """A problem that a check found."""
    return {
        "severity": problem.severity.value,
        "layer": problem.layer,
        "message": visible(problem.message),
        "pointer": visible(problem.pointer),
        "hint": visible(problem.hint),
    }


def editable(answer: str, as_json: bool) -> str:
    """The answer as text to edit: JSON is indented, with non-ASCII characters unescaped."""
    try:
        return visible(json.dumps(loads(answer), ensure_ascii=False, indent=2)) if as_json else visible(answer)
    except NotStrict:
        return visible(answer)


def _tree_of(answer: str) -> Any:
    """A JSON answer as nodes ``{"key", "text"}`` or ``{"key", "kind", "items"}``; None if it has no structure."""
    try:
        value = loads(answer)
    except NotStrict:
        return None
    return _node("", value) if isinstance(value, (dict, list)) else None


def _node(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {"key": key, "kind": "object", "items": [_node(visible(name), item) for name, item in value.items()]}
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return {"key": key, "kind": "list", "items": [_node(str(n), item) for n, item in enumerate(value)]}
    return {"key": key, "text": visible(json.dumps(value, ensure_ascii=False))}
