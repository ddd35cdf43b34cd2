"""What an engine's reply to a search means: → `Outcome`.

    whole({"hits": …, "timed_out": True})                                → unavailable, "timed out"
    refused(400, {"error": {"type": "parsing_exception", "reason": …}})  → invalid, "400 parsing_exception: …"
    refused(503, …)                                                      → unavailable
    wait({"retry-after": "3"}, attempt=0)                                → 3.0

Invalid is what would fail at every try, so that it is the body's fault; unavailable is nobody's.
"""

from __future__ import annotations

import random
from typing import Any, Mapping, TypeVar

from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import ServiceError
from dstill.teacher.retry_after import retry_after

__all__ = [
    "BUSY",
    "CLOSED",
    "is_engine_error",
    "names_index",
    "reason_of",
    "refused",
    "told",
    "type_of",
    "wait",
    "whole",
]

T = TypeVar("T")
BUSY = (429, 503)
CLOSED = "index_closed_exception"
_LONGEST_WAIT = 10.0  # seconds before another try, whatever Retry-After says
# Status 500 where an engine falls over a body: asked again it would again. OpenSearch says so of
# bodies that Elasticsearch refuses with 400: a list where a text belongs, a page collapsed and rescored.
_STUMBLES = frozenset(
    f"{name}_exception"
    for name in (
        "aggregation_execution", "aggregation_initialization", "array_index_out_of_bounds", "class_cast",
        "illegal_argument", "illegal_state", "index_out_of_bounds", "null_pointer", "number_format", "script", "search",
        "unsupported_operation",
    )
)  # fmt: skip


def whole(reply: Any) -> Outcome:
    """A reply of status 200: fine, unless it is of a part of the data only."""
    if not isinstance(reply, dict):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="the reply is no JSON object")
    hits = reply.get("hits")
    if not isinstance(hits, dict) or not isinstance(hits.get("hits"), list):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="the reply is no search result")
    if reply.get("timed_out"):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="timed out", raw=reply)
    if failed := (reply.get("_shards") or {}).get("failed"):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{failed} shards failed", raw=reply)
    return Outcome(kind=OutcomeKind.OK, raw=reply)


def told(reply: Any, kind: type[T], *path: str) -> T:
    """What stands at a path of a reply. Raises ServiceError where that is something else."""
    for key in path:
        reply = reply.get(key) if isinstance(reply, Mapping) else None
    if isinstance(reply, kind):
        return reply
    name = ".".join(path)
    hint = "is it a proxy that changes replies?"
    raise ServiceError(
        f"the server answers as no engine does: its reply has no '{name}'", where="engine.url", hint=hint
    )


def refused(status: int, body: Any) -> Outcome:
    """A reply of another status, or one that the client takes for nobody's."""
    if status < 400:
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{status}, and the reply is no engine's", raw=body)
    fault = (400 <= status < 500 and status not in (408, *BUSY)) or (status == 500 and type_of(body) in _STUMBLES)
    kind = OutcomeKind.INVALID if fault else OutcomeKind.UNAVAILABLE
    return Outcome(kind=kind, reason=f"{status} {reason_of(body)}", raw=body)


def wait(headers: Mapping[str, str], attempt: int) -> float:
    """Seconds until a server that is busy is asked again: as it says, else longer at each attempt."""
    told = retry_after(headers)
    return min(0.25 * 2**attempt * random.uniform(1, 1.5) if told is None else told, _LONGEST_WAIT)


def is_engine_error(body: Any) -> bool:
    """Engines say errors as JSON with a type; a web server's are pages."""
    return isinstance(body, Mapping) and isinstance(body.get("error"), (Mapping, str))


def names_index(body: Any, index: str) -> bool:
    """Whether a 404 is about the index that was asked, and not about one that the answer looks things up in."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return not isinstance(error, Mapping) or error.get("index", index) == index


def reason_of(body: Any) -> str:
    """The first root cause of an engine's error: ``parsing_exception: unknown query [mach]``."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return str(error or body)[:300]
    cause = _first_cause(error)
    return f"{cause.get('type', '')}: {cause.get('reason', '')}"[:500]


def type_of(body: Any) -> str:
    """The first root cause's type, or nothing."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return str(_first_cause(error).get("type", "")) if isinstance(error, Mapping) else ""


def _first_cause(error: Mapping[str, Any]) -> Mapping[str, Any]:
    causes = error.get("root_cause") or []
    return causes[0] if isinstance(causes, list) and causes and isinstance(causes[0], Mapping) else error
