"""The life of a server, from its socket to its shutdown.

    with listening(host, port) as listener, opened(predictor, access=access, limits=limits) as service:
        stopped_by = run(server_of(service, limits), listener)      # until SIGINT or SIGTERM

On shutdown the server accepts no new connections, requests in progress get `GRACE` seconds and then the error
"stopping", the running batch is finished, and the engine is released.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dstill.runtime import http
from dstill.runtime.signals import handling
from dstill.stages.predict.predictor import Predictor
from dstill_serve.app import Service, application
from dstill_serve.auth import Policy
from dstill_serve.engine import Runner
from dstill_serve.feedback import FeedbackLog
from dstill_serve.metrics import Metrics
from dstill_serve.microbatcher import Queue
from dstill_serve.observed import RequestLog
from dstill_serve.student import Student
from dstill_serve.tracing import Traces

if TYPE_CHECKING:
    from uvicorn import Server

__all__ = ["Limits", "listening", "opened", "run", "server_of"]

GRACE = 10  # seconds for requests in progress when the server stops


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server."""

    max_batch: int  # requests that the student answers together
    max_requests: int  # requests in progress at the same time; further ones get an error
    timeout: float  # seconds from a request to its answer


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises UsageError if that is not possible, and MissingExtra if a library is missing."""
    http.require_libraries("`dstill serve`", "serve", "starlette", "uvicorn", "prometheus_client")
    with http.listening(host, port, hint="choose another port, or 0 for any free one") as listener:
        yield listener


@contextlib.contextmanager
def opened(
    predictor: Predictor,
    *,
    access: Policy,
    limits: Limits,
    feedback: FeedbackLog | None = None,
    log: RequestLog | None = None,
    traces: Traces | None = None,
    at: str = "",
) -> Iterator[Service]:
    """The service of a `Predictor` that was entered. `feedback`, `log`, `traces`: None is none.

    `at`: the address of its routes, relative to that of its ``/openapi.json``, if another server has them below a path.
    """
    student, metrics = Student(predictor), Metrics()
    with (
        Runner(predictor) as runner,
        Queue(
            student.work,
            max_batch=limits.max_batch,
            max_requests=limits.max_requests,
            on_batch=metrics.batched,
        ) as queue,
    ):
        metrics.watch(queue, limits.max_requests)
        yield Service(
            student=student,
            queue=queue,
            runner=runner,
            access=access,
            metrics=metrics,
            timeout=limits.timeout,
            feedback=feedback,
            log=log,
            traces=traces or Traces(),
            at=at,
        )


def server_of(service: Service, limits: Limits) -> Server:
    """A server for `service`, ready to run."""
    # Enough connections for the accepted requests and for as many that get the error "overloaded".
    return http.server_of(application(service), grace=GRACE, most=max(http.MOST, 2 * limits.max_requests))


def run(server: Server, listener: socket.socket) -> signal.Signals:
    """Serve until SIGINT or SIGTERM, and return the signal. A second Ctrl-C raises KeyboardInterrupt immediately."""
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        """Covers the time before uvicorn installs its handlers, and after, when it raises the signal again."""
        received.append(number)
        server.should_exit = True

    with handling(stop, signal.SIGINT, signal.SIGTERM):
        asyncio.run(server.serve(sockets=[listener]))
    if server.force_exit:
        raise KeyboardInterrupt
    return signal.Signals(received[0])
