"""Turns an engine's reply to a search into an `Outcome`.

    search_outcome({"hits": …, "timed_out": True})                                → unavailable, "timed out"
    refused(400, {"error": {"type": "parsing_exception", "reason": …}})  → invalid, "400 parsing_exception: …"
    refused(503, …)                                                      → unavailable
    wait({"retry-after": "3"}, attempt=0)                                → 3.0

`INVALID` is the fault of the body, which would fail on every attempt. `UNAVAILABLE` is not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, TypeVar

from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import ServiceError
from dstill.io.retry_after import retry_after

__all__ = [
    "BUSY_STATUSES",
    "CLOSED_INDEX",
    "is_engine_error",
    "is_permanent",
    "names_index",
    "reason_of",
    "refused",
    "search_outcome",
    "type_of",
    "value_at",
    "wait",
]

T = TypeVar("T")
BUSY_STATUSES = (429, 503)  # statuses of a server that asks to try again later
CLOSED_INDEX = "index_closed_exception"
TOO_MANY_BUCKETS = "too_many_buckets_exception"  # status 400 in Elasticsearch, 503 in OpenSearch
_LONGEST_WAIT = 10.0  # seconds before the next attempt, whatever Retry-After says
# Errors with status 500 that a body causes on every attempt. OpenSearch returns them for bodies that Elasticsearch
# refuses with 400: a list where a string belongs, a page that is collapsed and rescored. So does Elasticsearch for a
# date_range on numbers.
_BODY_ERRORS = frozenset(
    f"{name}_exception"
    for name in (
        "aggregation_execution", "aggregation_initialization", "array_index_out_of_bounds", "class_cast",
        "illegal_argument", "illegal_state", "index_out_of_bounds", "null_pointer", "number_format", "runtime",
        "script", "search", "unsupported_operation",
    )
)  # fmt: skip


def search_outcome(reply: Any) -> Outcome:
    """The outcome of a reply with status 200. `UNAVAILABLE` if it covers only a part of the data."""
    if not isinstance(reply, dict):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="the reply is not a JSON object")
    hits = reply.get("hits")
    if not isinstance(hits, dict) or not isinstance(hits.get("hits"), list):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="the reply is not a search result")
    if reply.get("timed_out"):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="timed out", raw=reply)
    if failed := (reply.get("_shards") or {}).get("failed"):
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{failed} shards failed", raw=reply)
    return Outcome(kind=OutcomeKind.OK, raw=reply)


def value_at(reply: Any, kind: type[T], *path: str) -> T:
    """The value at a path of a reply. Raises ServiceError if it is not of type `kind`."""
    for key in path:
        reply = reply.get(key) if isinstance(reply, Mapping) else None
    if isinstance(reply, kind):
        return reply
    message = f"the server does not reply like an engine: the reply has no '{'.'.join(path)}'"
    raise ServiceError(message, where="engine.url", hint="is it a proxy that changes replies?")


def refused(status: int, body: Any) -> Outcome:
    """The outcome of a reply with another status, or of one that the client does not accept."""
    if status < 400:
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{status}, but the reply is not an engine's", raw=body)
    invalid = (400 <= status < 500 and status not in (408, *BUSY_STATUSES)) or is_permanent(status, body)
    kind = OutcomeKind.INVALID if invalid else OutcomeKind.UNAVAILABLE
    return Outcome(kind=kind, reason=f"{status} {reason_of(body)}", raw=body)


def is_permanent(status: int, body: Any) -> bool:
    """Whether an error with a status of the server's faults is the body's fault, so that another attempt fails too."""
    return (status == 500 and type_of(body) in _BODY_ERRORS) or (
        status in BUSY_STATUSES and type_of(body) == TOO_MANY_BUCKETS
    )


def wait(headers: Mapping[str, str], attempt: int) -> float:
    """Seconds to wait before the next attempt on a busy server: its Retry-After, else exponential backoff."""
    seconds = retry_after(headers)
    return min(0.25 * 2**attempt * random.uniform(1, 1.5) if seconds is None else seconds, _LONGEST_WAIT)


def is_engine_error(body: Any) -> bool:
    """Whether this is an engine's error: JSON with a type, while other web servers return pages."""
    return isinstance(body, Mapping) and isinstance(body.get("error"), (Mapping, str))


def names_index(body: Any, index: str) -> bool:
    """Whether a 404 is about the index that was searched, and not about another one that the body names."""
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
    """The type of the first root cause, or an empty string."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return str(_first_cause(error).get("type", "")) if isinstance(error, Mapping) else ""


def _first_cause(error: Mapping[str, Any]) -> Mapping[str, Any]:
    causes = error.get("root_cause") or [error.get("caused_by")]
    return causes[0] if isinstance(causes, list) and causes and isinstance(causes[0], Mapping) else error
