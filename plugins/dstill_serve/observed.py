"""The facts of a request while it is served: for the metrics, the request log and the trace.

    seen = Observed(method="POST", route="/v1/query")
    seen.question, seen.answered, seen.status = query.question, predicted, 200      # as it becomes known
    seen.row(texts=False)    {"time": "2026-03-01T12:00:00.000Z", "route": "/v1/query", "status": 200, "ms": 41.2, …}
    of(request)              the one of a request of Starlette

Neither log nor trace has text of questions and answers, unless their owner asks for it (`texts`).
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.cli.console import note
from dstill.io.files import writing
from dstill.io.inert import visible
from dstill.io.secrets import masked
from dstill.io.strict_json import dumps
from dstill.stages.predict.predicted import PredictedAnswer

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["KEY", "Observed", "RequestLog", "of"]

KEY = "dstill.observed"  # of an ASGI scope


@dataclass(kw_only=True)
class Observed:
    """One request and its reply."""

    method: str
    route: str  # one of the server's, or "other": a path may have text of the user
    run: str = ""  # that it is about; empty: the server has one
    status: int = 0  # 0: nothing was sent
    code: str = ""  # of the error that was sent
    question: str | None = None  # None: there is none, or it was not read
    answered: PredictedAnswer | None = None
    trace: str = ""  # its trace id, in hexadecimal; empty: it is not traced
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started: float = field(default_factory=time.monotonic, init=False)

    @property
    def seconds(self) -> float:
        """From the request to now."""
        return time.monotonic() - self._started

    def facts(self, *, texts: bool) -> dict[str, Any]:
        """The facts of the question and its answer. `texts`: also what they say, but for what looks like a key."""
        facts: dict[str, Any] = {}
        if self.question is not None:
            facts["question_chars"] = len(self.question)
        if (answered := self.answered) is not None:
            facts |= {"outcome": answered.verdict, "confidence": answered.confidence}
            facts["answered_by"] = answered.answered_by
        if texts and self.question is not None:
            facts["question"] = masked(visible(self.question))
        if texts and answered is not None:
            facts["answer"] = masked(visible(answered.answer))
        return facts

    def row(self, *, texts: bool) -> dict[str, Any]:
        """The line of the request log."""
        row = {
            "time": self.began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "method": self.method,
            "route": self.route,
            **({"run": self.run} if self.run else {}),
            "status": self.status,
            "ms": round(1000 * self.seconds, 1),
            **self.facts(texts=texts),
        }
        more = {"error": self.code, "trace": self.trace}
        return {**row, **{name: value for name, value in more.items() if value}}


def of(request: Request) -> Observed:
    """The facts of `request`."""
    observed: Observed = request.scope[KEY]
    return observed


class RequestLog:
    """A line of JSON for each request, in a file or on stderr. The file may be moved away (logrotate).

    Raises DiskError if the file cannot be written. If that fails later, a message says so once, and requests go on.
    """

    def __init__(self, file: Path | None = None, *, texts: bool = False) -> None:
        """`file`: None is stderr. `texts`: also log what questions and answers say."""
        self.texts = texts
        if file is None:
            self._handler: logging.Handler = logging.StreamHandler(sys.stderr)
        else:
            with writing(file):
                self._handler = WatchedFileHandler(file, encoding="utf-8")
        self._handler.handleError = self._failed  # type: ignore[method-assign]
        self._has_failed = False

    def write(self, seen: Observed) -> None:
        """Append the line of a request that was replied to."""
        self._emit(seen.row(texts=self.texts))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()

    def _emit(self, row: Mapping[str, Any]) -> None:
        self._handler.handle(logging.makeLogRecord({"msg": visible(dumps(row))}))

    def _failed(self, record: logging.LogRecord) -> None:
        if not self._has_failed:
            self._has_failed = True
            note(f"warning: the request log cannot be written: {sys.exc_info()[1]}")
