"""The metrics of `/metrics`, in the Prometheus format. They never contain text of questions or answers.

metrics = Metrics()
metrics.requested("/v1/query", 200, seconds=0.12)
metrics.text()      b"# HELP dstill_requests_total …"
"""

from __future__ import annotations

from collections import Counter as Counts
from typing import TYPE_CHECKING

from dstill.stages.predict.predicted import PredictedAnswer

if TYPE_CHECKING:
    from dstill_serve.microbatcher import Queue

__all__ = ["Metrics"]

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram

        self._registry = own = CollectorRegistry()
        self.content_type = CONTENT_TYPE_LATEST
        self.statuses: Counts[int] = Counts()  # of requests for answers, for the last line of the command
        self._requests = Counter("dstill_requests", "Requests by route and status", ["route", "status"], registry=own)
        self._seconds = Histogram(
            "dstill_request_seconds", "Seconds from a request to its reply", ["route"], buckets=SECONDS, registry=own
        )
        self._answers = Counter(
            "dstill_answers", "Answers by kind: ok, refused, abstained or invalid", ["kind"], registry=own
        )
        self._fallback = Counter(
            "dstill_fallback",
            "Questions to the large model by result: answered or unanswered",
            ["result"],
            registry=own,
        )
        self._fallback_usd = Gauge(
            "dstill_fallback_usd", "US dollars that the large model has cost for this run, if known", registry=own
        )
        self._feedback = Counter("dstill_feedback", "Feedback by verdict: right or wrong", ["verdict"], registry=own)
        self._outcomes = Counter("dstill_outcomes", "Executed answers by outcome", ["outcome"], registry=own)
        self._tokens = Counter("dstill_tokens", "Tokens, read (prompts) and written (answers)", ["kind"], registry=own)
        self._batch = Histogram("dstill_batch_size", "Requests per batch", buckets=SIZES, registry=own)
        self._batch_seconds = Histogram("dstill_batch_seconds", "Seconds per batch", buckets=SECONDS, registry=own)
        self._in_progress = Gauge(
            "dstill_requests_inside", "Requests in progress, including waiting ones", registry=own
        )
        self._waiting = Gauge("dstill_requests_waiting", "Requests waiting for the student", registry=own)
        self._limit = Gauge("dstill_requests_room", "Maximum number of requests in progress", registry=own)
        self._engine = Gauge("dstill_engine_reachable", "1 if the engine was reachable at the last check", registry=own)

    def requested(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was replied to."""
        self._requests.labels(route=route, status=str(status)).inc()
        self._seconds.labels(route=route).observe(seconds)
        if route in ("/v1/query", "/v1/chat/completions"):
            self.statuses[status] += 1

    def batched(self, size: int, seconds: float) -> None:
        """Count a batch."""
        self._batch.observe(size)
        self._batch_seconds.observe(seconds)

    def wrote(self, tokens: int, prompt_tokens: int | None) -> None:
        """Count what the student wrote and read for an answer."""
        self._tokens.labels(kind="written").inc(tokens)
        self._tokens.labels(kind="read").inc(prompt_tokens or 0)

    def asked_fallback(self, *, answered: bool, usd: float | None) -> None:
        """Count a question that went to the large model. `usd`: what it has cost; None: not known."""
        self._fallback.labels(result="answered" if answered else "unanswered").inc()
        if usd is not None:
            self._fallback_usd.set(usd)

    def answered(self, predicted: PredictedAnswer) -> None:
        """Count an answer of the student or the large model, before it is executed."""
        self._answers.labels(kind=predicted.verdict).inc()

    def executed(self, outcome: str) -> None:
        """Count an executed answer."""
        self._outcomes.labels(outcome=outcome).inc()

    def judged(self, verdict: str) -> None:
        """Count feedback of a user."""
        self._feedback.labels(verdict=verdict).inc()

    def engine_checked(self, reachable: bool | None) -> None:
        """Record a check of the engine; None: the server does not use one."""
        if reachable is not None:
            self._engine.set(reachable)

    def watch(self, queue: Queue, limit: int) -> None:  # type: ignore[type-arg]
        """Read the gauges from `queue` whenever the metrics are requested."""
        self._in_progress.set_function(lambda: queue.in_progress)
        self._waiting.set_function(lambda: queue.waiting)
        self._limit.set(limit)

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)
