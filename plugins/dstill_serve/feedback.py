"""Takes what users say about answers, and checks answers that they write.

    parse_check(body, "index")                   {"question": "…", "answer": "{…}"} → CheckRequest
    parse_feedback(body, "index")                {"question": "…", "answer": "{…}", "verdict": "wrong", …} → the same
    problems(student, example, answer)           what the task's checks find in an answer
    FeedbackLog(file).append(…)                  one line of JSON, on disk when the call returns

A right answer and a correction become golds (`dstill improve`), so they have to pass the checks that the student's own
answers pass. Nothing is run here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dstill.api.records import Draft, Example, Problem
from dstill.inputs import feedback
from dstill.inputs.feedback import MAX_FILE, RIGHT, WRONG, Feedback
from dstill.io.files import writing
from dstill.io.plain_files import regular
from dstill.io.secrets import looks_secret
from dstill.stages.generate.label import for_the_answer
from dstill_serve.errors import RequestError
from dstill_serve.request_schema import Query, missing, parse_data, parse_question, refuse_unknown, typed
from dstill_serve.student import Student

__all__ = ["CheckRequest", "FeedbackLog", "FeedbackRequest", "parse_check", "parse_feedback", "problems"]

_CHECK = ("question", "answer", "model")
_FEEDBACK = (*_CHECK, "verdict", "correction")


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """An answer to check."""

    query: Query
    answer: str


@dataclass(frozen=True, kw_only=True)
class FeedbackRequest(CheckRequest):
    """A user's verdict on an answer."""

    verdict: Literal["right", "wrong"]
    correction: str | None

    @property
    def gold(self) -> tuple[str, str] | None:
        """The answer that has to pass the checks, and the parameter that holds it; None: there is none."""
        if self.verdict == RIGHT:
            return self.answer, "answer"
        return None if self.correction is None else (self.correction, "correction")


def parse_check(body: Mapping[str, Any], data_key: str) -> CheckRequest:
    """A request to `/v1/check`. Raises RequestError."""
    refuse_unknown(body, (*_CHECK, data_key, "data"))
    return CheckRequest(query=_query(body, data_key), answer=_text(body, "answer"))


def parse_feedback(body: Mapping[str, Any], data_key: str) -> FeedbackRequest:
    """A request to `/v1/feedback`. Raises RequestError."""
    refuse_unknown(body, (*_FEEDBACK, data_key, "data"))
    verdict, correction = _text(body, "verdict"), typed(body, "correction", str)
    if verdict not in (RIGHT, WRONG):
        raise RequestError(400, "invalid_value", f"'verdict' must be {RIGHT} or {WRONG}", param="verdict")
    if verdict == RIGHT and correction is not None:
        raise RequestError(400, "invalid_value", "a right answer has no correction", param="correction")
    request = FeedbackRequest(
        query=_query(body, data_key),
        answer=_text(body, "answer"),
        verdict=verdict,  # type: ignore[arg-type]
        correction=correction,
    )
    for param, text in (("question", request.query.question), ("answer", request.answer), ("correction", correction)):
        if text and looks_secret(text):
            message = f"'{param}' has something that looks like a key or a password; it is not stored"
            raise RequestError(400, "looks_secret", message, param=param)
    return request


def _query(body: Mapping[str, Any], data_key: str) -> Query:
    return Query(
        question=parse_question(_text(body, "question"), "question"),
        model=typed(body, "model", str),
        data=parse_data(body, data_key),
    )


def _text(body: Mapping[str, Any], name: str) -> str:
    value: str | None = typed(body, name, str)
    if value is None:
        raise missing(f"'{name}' is required", name)
    return value


def problems(student: Student, example: Example, answer: str) -> tuple[Problem, ...]:
    """The problems that the checks find in `answer`, those of plugins included."""
    return for_the_answer(student.run.setup.plugins.check_draft(student.run.task, example, Draft(answer=answer)))


class FeedbackLog:
    """The feedback file. Raises UsageError, RunError or DiskError if it cannot be written."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with writing(file):
            open(file, "ab", opener=regular).close()

    def append(self, request: FeedbackRequest, model: str) -> Feedback:
        """The row that was appended. Raises RequestError if the file is full."""
        row = Feedback(
            id=secrets.token_hex(8),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            model=model,
            question=request.query.question.strip(),
            answer=request.answer,
            verdict=request.verdict,
            correction=request.correction,
            data=request.query.data or "",
        )
        if not feedback.append(self.file, row):
            message = f"the feedback file has {MAX_FILE >> 20} MiB: the server's owner has to move it"
            raise RequestError(507, "feedback_full", message)
        return row
