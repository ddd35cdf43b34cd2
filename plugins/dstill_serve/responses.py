"""Builds the bodies of replies.

    query_response(task, query, example, …)      {"id": "…", "answer": "{…}", "value": {…}, "ok": true, …}
    chat_completion(student, query, answer)      {"object": "chat.completion", "choices": […], "usage": {…}}
    chat_chunks(…)                               the same for a stream of server-sent events

An answer is sent only after it was generated and checked completely, even in a stream: half a body is useless.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from dstill.api.faults import about
from dstill.api.protocols import Presentation, RationaleTerms
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.io.inert import visible
from dstill.io.strict_json import NotStrict, dumps, loads
from dstill.stages.predict.answer_objects import MAX_ROWS, alternative_rows, result_rows
from dstill.stages.predict.predicted import PredictedAnswer
from dstill_serve.errors import RequestError
from dstill_serve.request_schema import Query
from dstill_serve.student import Student, StudentAnswer

PAGE_ROWS = 1_000  # of a table on the page, which shows some at a time

__all__ = ["chat_chunks", "chat_completion", "query_response", "server_sent_events"]


def query_response(
    task: Task, query: Query, example: Example, predicted: PredictedAnswer, answer: StudentAnswer
) -> dict[str, Any]:
    """The row of ``dstill predict --json``, extended by what a program or the page derives from it.

    `predicted` is the answer to `example` as executed, if it was executed.
    """
    shown = Presentation.of(task)
    row = {**predicted.to_row(), "value": _value(task, predicted.answer), "usage": _usage(answer)}
    with about(predicted.id):
        row["terms"] = list(RationaleTerms.of(task).answer_terms(predicted.answer)) if predicted.ok else []
        if query.explain:
            row["rationale"] = answer.rationale
        if query.layout:
            row["parts"] = list(shown.highlight(predicted.answer))
            row["snippets"] = list(shown.snippets(predicted.answer, example)) if _passes(predicted) else []
        if "result" in row and predicted.result is not None:
            row |= result_rows(task, predicted, PAGE_ROWS if query.layout else MAX_ROWS)
        if predicted.alternatives:
            row["alternatives"] = alternative_rows(task, predicted)
            if query.layout:
                for other in row["alternatives"]:
                    other["parts"] = list(shown.highlight(other["answer"]))
    return row


def _passes(predicted: PredictedAnswer) -> bool:
    """Whether there is an answer that the checks let run, even where no engine could run it."""
    return (
        bool(predicted.answer) and not predicted.refused and not any(problem.is_error for problem in predicted.problems)
    )


def _value(task: Task, answer: str) -> Any:
    """The answer as JSON; None if the answer or the task's language is not JSON."""
    try:
        return loads(answer) if task.json_answers else None
    except NotStrict:
        return None


def _usage(answer: StudentAnswer) -> dict[str, int] | None:
    """Token counts; None if the student does not count tokens."""
    if answer.prompt_tokens is None:
        return None
    prompt, completion = answer.prompt_tokens, answer.predicted.tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


# --- chat completions -------------------------------------------------------------------


def _message(answer: StudentAnswer, query: Query) -> dict[str, Any]:
    """Raises RequestError for an invalid or too long answer, which this format has no place for."""
    predicted = answer.predicted
    if predicted.refused or predicted.abstained:
        text = predicted.answer if predicted.refused else predicted.reason
        return {"role": "assistant", "content": None, "refusal": text}
    if not predicted.ok:
        problems = [problem.to_row() for problem in predicted.problems]
        whose = f"answer of {predicted.answered_by}" if predicted.by_fallback else "student's answer"
        message = f"the {whose} is invalid: {predicted.reason}"
        raise RequestError(422, "invalid_answer", message, extra={"problems": problems})
    if query.max_tokens is not None and predicted.tokens > query.max_tokens:
        message = f"the answer has {predicted.tokens} tokens, more than max_completion_tokens ({query.max_tokens})"
        raise RequestError(422, "answer_too_long", message, param="max_completion_tokens")
    return {"role": "assistant", "content": predicted.answer, "refusal": None}


def _head(student: Student, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": student.model,
    }


def chat_completion(student: Student, query: Query, answer: StudentAnswer) -> dict[str, Any]:
    """OpenAI's chat completion object. Raises RequestError for an invalid or too long answer."""
    choice = {"index": 0, "message": _message(answer, query), "logprobs": None, "finish_reason": "stop"}
    return {**_head(student, "chat.completion"), "choices": [choice], "usage": _usage(answer)}


def chat_chunks(student: Student, query: Query, answer: StudentAnswer) -> list[dict[str, Any]]:
    """OpenAI's chat completion chunks: the role, the whole answer, the end, and the token counts if requested.

    Raises RequestError for an invalid or too long answer.
    """
    message, head = _message(answer, query), _head(student, "chat.completion.chunk")
    text = {name: message[name] for name in ("content", "refusal") if message[name] is not None}
    deltas: tuple[dict[str, Any], ...] = ({"role": "assistant", "content": "" if "content" in text else None}, text, {})
    chunks = [
        {
            **head,
            "choices": [
                {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "stop"},
            ],
            **({"usage": None} if query.include_usage else {}),
        }
        for delta in deltas
    ]
    return [*chunks, {**head, "choices": [], "usage": _usage(answer)}] if query.include_usage else chunks


def server_sent_events(chunks: list[dict[str, Any]]) -> Iterator[str]:
    """`chunks` as server-sent events, followed by ``[DONE]``."""
    for chunk in chunks:
        yield f"data: {visible(dumps(chunk))}\n\n"
    yield "data: [DONE]\n\n"
