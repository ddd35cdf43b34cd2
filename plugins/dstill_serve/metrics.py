"""What `/metrics` tells, in the form of Prometheus: requests, answers, batches, tokens. Never a question.

metrics = Metrics(queue_inside=lambda: 3, …)
metrics.requests.labels(route="/v1/query", status="200").inc()
metrics.text()      b"# HELP dstill_requests_total …"
"""

from __future__ import annotations

from collections import Counter as Counts
from typing import TYPE_CHECKING

from dstill.pipeline.predict import PredictedAnswer

if TYPE_CHECKING:
    from dstill_serve.microbatcher import Queue

__all__ = ["Metrics"]

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Of one server: nothing is shared with others in the process."""

    def __init__(self) -> None:
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram

        self._registry = own = CollectorRegistry()
        self.type = CONTENT_TYPE_LATEST
        self.statuses: Counts[int] = Counts()  # of requests for answers, for the last line of the command
        self._requests = Counter("dstill_requests", "Requests by route and status", ["route", "status"], registry=own)
        self._seconds = Histogram(
            "dstill_request_seconds", "From a request to its answer", ["route"], buckets=SECONDS, registry=own
        )
        self._answers = Counter("dstill_answers", "Answers: ok, refused or invalid", ["kind"], registry=own)
        self._outcomes = Counter("dstill_outcomes", "How runs of answers ended", ["outcome"], registry=own)
        self._tokens = Counter("dstill_tokens", "Tokens: read and written", ["kind"], registry=own)
        self._batch = Histogram("dstill_batch_size", "Requests of a batch", buckets=SIZES, registry=own)
        self._batch_seconds = Histogram(
            "dstill_batch_seconds", "Seconds that a batch took", buckets=SECONDS, registry=own
        )
        self._inside = Gauge("dstill_requests_inside", "Requests in the house, waiting ones too", registry=own)
        self._waiting = Gauge("dstill_requests_waiting", "Requests that wait for the student", registry=own)
        self._room = Gauge("dstill_requests_room", "Requests that the house has room for", registry=own)
        self._engine = Gauge("dstill_engine_reachable", "1: the engine was there at the last look", registry=own)

    def requested(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route=route, status=str(status)).inc()
        self._seconds.labels(route=route).observe(seconds)
        if route in ("/v1/query", "/v1/chat/completions"):
            self.statuses[status] += 1

    def batched(self, size: int, seconds: float) -> None:
        self._batch.observe(size)
        self._batch_seconds.observe(seconds)

    def answered(self, answered: PredictedAnswer, read: int | None) -> None:
        """Of an answer as the student wrote it, not run yet."""
        self._answers.labels(kind="ok" if answered.ok else "refused" if answered.refused else "invalid").inc()
        self._tokens.labels(kind="written").inc(answered.tokens)
        self._tokens.labels(kind="read").inc(read or 0)

    def ran(self, outcome: str) -> None:
        self._outcomes.labels(outcome=outcome).inc()

    def reached(self, reachable: bool | None) -> None:
        if reachable is not None:
            self._engine.set(reachable)

    def watch(self, inside: Queue, room: int) -> None:  # type: ignore[type-arg]
        """Read the gauges from `inside` whenever somebody asks."""
        self._inside.set_function(lambda: inside.inside)
        self._waiting.set_function(lambda: inside.waiting)
        self._room.set(room)

    def text(self) -> bytes:
        from prometheus_client import generate_latest

        return generate_latest(self._registry)
