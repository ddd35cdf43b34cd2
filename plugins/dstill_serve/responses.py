"""Answers in the form in which they go out.

    row_of(student, said, seconds=0.2)      {"id": "…", "answer": "{…}", "value": {…}, "ok": true, …}    of /v1/query
    completion_of(student, query, said)     {"object": "chat.completion", "choices": […], "usage": {…}}
    chunks_of(…)                            the same as server-sent events, the last of them [DONE]

Nothing goes out before it was written to its end and checked, streamed or not: half a body is no answer.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Iterator

from dstill.api.faults import about
from dstill.api.protocols import Presentation, RationaleTerms
from dstill.api.task import Task
from dstill.io.inert import visible
from dstill.io.strict_json import NotStrict, dumps, loads
from dstill.pipeline.predict import PredictedAnswer
from dstill_serve.problems import Wrong
from dstill_serve.request_schema import Query
from dstill_serve.student import Said, Student

__all__ = ["chunks_of", "completion_of", "events", "row_of"]

MOST_ROWS = 100  # of a table


def row_of(task: Task, answered: PredictedAnswer, said: Said, *, explain: bool) -> dict[str, Any]:
    """The row of ``dstill predict --json``, and beside it what a program or a page would make of it itself."""
    row = {**answered.to_row(), "value": _value(task, answered.answer)}
    row["usage"] = _usage(said)
    with about(answered.id):
        row["terms"] = list(RationaleTerms.of(task).answer_terms(answered.answer)) if answered.ok else []
        if explain:
            row["rationale"] = said.rationale
        if "result" in row and answered.result is not None:
            row["shown"] = Presentation.of(task).render_result(answered.result)
            row["tables"] = [
                {
                    "title": table.title,
                    "columns": [name.lstrip("#") for name in table.columns],
                    "rows": table.rows[:MOST_ROWS],
                    "of": len(table.rows),
                }
                for table in Presentation.of(task).result_tables(answered.result)
            ]
    return row


def _value(task: Task, answer: str) -> Any:
    """A JSON answer as the value that it stands for; null where it is none, or the language is not JSON."""
    try:
        return loads(answer) if task.json_answers else None
    except NotStrict:
        return None


def _usage(said: Said) -> dict[str, int] | None:
    """None where the student does not count: unknown is not zero."""
    if said.read is None:
        return None
    written = said.answered.tokens
    return {"prompt_tokens": said.read, "completion_tokens": written, "total_tokens": said.read + written}


# --- OpenAI's form ----------------------------------------------------------------------


def _message(said: Said, query: Query) -> dict[str, Any]:
    """Raises Wrong where there is no answer to hand out: this form has no room for what is wrong with one."""
    answered = said.answered
    if answered.refused:
        return {"role": "assistant", "content": None, "refusal": answered.answer}
    if not answered.ok:
        problems = [problem.to_row() for problem in answered.problems]
        reason = f"the student's answer is no use: {answered.reason}"
        raise Wrong(422, "invalid_answer", reason, more={"problems": problems})
    if query.most is not None and answered.tokens > query.most:
        message = f"the answer has {answered.tokens} tokens, more than the {query.most} allowed; half of it is none"
        raise Wrong(422, "answer_too_long", message, param="max_completion_tokens")
    return {"role": "assistant", "content": answered.answer, "refusal": None}


def _head(student: Student, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": student.model,
    }


def completion_of(student: Student, query: Query, said: Said) -> dict[str, Any]:
    """Raises Wrong."""
    choice = {"index": 0, "message": _message(said, query), "logprobs": None, "finish_reason": "stop"}
    return {**_head(student, "chat.completion"), "choices": [choice], "usage": _usage(said)}


def chunks_of(student: Student, query: Query, said: Said) -> list[dict[str, Any]]:
    """The role, the answer, the end, and the tokens where they are asked for. Raises Wrong."""
    message, head = _message(said, query), _head(student, "chat.completion.chunk")
    text = {name: message[name] for name in ("content", "refusal") if message[name] is not None}
    deltas: tuple[dict[str, Any], ...] = ({"role": "assistant", "content": "" if "content" in text else None}, text, {})
    chunks = [
        {
            **head,
            "choices": [
                {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "stop"},
            ],
            **({"usage": None} if query.count else {}),
        }
        for delta in deltas
    ]
    return [*chunks, {**head, "choices": [], "usage": _usage(said)}] if query.count else chunks


def events(chunks: list[dict[str, Any]]) -> Iterator[str]:
    for chunk in chunks:
        yield f"data: {visible(dumps(chunk))}\n\n"
    yield "data: [DONE]\n\n"
