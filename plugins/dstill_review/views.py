"""One row as a person is shown it: plain data, in which nothing is invisible.

    shown(desk, record)     {"id", "question", "rationale", "tree", "excerpt", "problems", …}
    result(desk, record)    {"text": "367 hits: w00017, …"} or {"note": "not run: scripts are not allowed"}

Control and bidi characters come as escapes (`visible`); whoever shows it sets it as text, never as markup. A row is
run only when no check finds an error in it.
"""

from __future__ import annotations

import json
from typing import Any

from dstill.api.faults import about
from dstill.api.protocols import Presentation, ResultProperties
from dstill.api.records import OutcomeKind, Problem, Record
from dstill.cli.console import visible
from dstill.io.strict_json import NotStrict, loads
from dstill.pipeline.review import digest
from dstill_review.session import Desk

__all__ = ["editable", "result", "shown", "told"]


def shown(desk: Desk, record: Record) -> dict[str, Any]:
    """Everything of a row but what running it gives."""
    task, example = desk.run.task, record.example
    excerpt = Presentation.of(task).relevant_schema(example, record.answer)
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
        "tree": _tree_of(record.answer),
        "edit": {"answer": editable(record.answer, task.json_answers), "rationale": visible(record.rationale)},
        "excerpt": {
            "title": visible(excerpt.title),
            "used": [[visible(name), visible(text)] for name, text in excerpt.used],
            "rest": [[visible(name), visible(text)] for name, text in excerpt.rest],
        },
        "problems": [told(p) for p in desk.problems(example, record.answer, record.rationale)],
    }


def result(desk: Desk, record: Record) -> dict[str, str]:
    """What the answer returns, or why it was not run. Of what the guard refuses nothing is run."""
    task, example = desk.run.task, record.example
    error = next((p for p in desk.problems(example, record.answer, record.rationale) if p.is_error), None)
    if error is not None:
        return {"note": visible(f"not run: {error.message}")}
    if task.is_refusal(record.answer):
        return {"note": "a refusal: nothing is run"}
    outcome = desk.outcome(example, record.answer)
    if outcome is None:
        return {"note": "the answers of this task are not run"}
    if outcome.kind is not OutcomeKind.OK:
        return {"note": visible(f"{outcome.kind.value}: {outcome.reason}")}
    with about(record.id):
        found = {"text": visible(Presentation.of(task).render_result(outcome.value))}
        if ResultProperties.of(task).is_trivial(outcome.value, example):
            found["note"] = "this result tells nothing: it is empty, or everything"
    return found


def told(problem: Problem) -> dict[str, str]:
    """A problem as the checker words it."""
    return {
        "severity": problem.severity.value,
        "layer": problem.layer,
        "message": visible(problem.message),
        "pointer": visible(problem.pointer),
        "hint": visible(problem.hint),
    }


def editable(answer: str, as_json: bool) -> str:
    """An answer as a person can change it. In JSON an escape is the character that it stands for."""
    try:
        return visible(json.dumps(loads(answer), ensure_ascii=False, indent=2)) if as_json else visible(answer)
    except NotStrict:
        return visible(answer)


def _tree_of(answer: str) -> Any:
    """A JSON answer as nodes ``{"key", "text"}`` or ``{"key", "kind", "items"}``; None: it is no JSON container."""
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
