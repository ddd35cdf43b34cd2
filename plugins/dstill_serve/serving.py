"""One server over one student, from its socket to its end.

    with listening(host, port) as listener, opened(answering, listener, …) as (server, service):
        stopped_by = run(server, listener)      # until SIGINT or SIGTERM

Order of the end: nobody new is let in, requests under way get `GRACE` seconds, those left then are told that the server
stops, the batch that is being written is finished, and the engine let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Iterator

from dstill.errors import MissingExtra
from dstill.io.secrets import Secret
from dstill.pipeline.predict import Predictor
from dstill.runtime import http
from dstill.runtime.signals import handling
from dstill_serve.app import Service, application
from dstill_serve.auth import Door
from dstill_serve.engine import Runner
from dstill_serve.metrics import Metrics
from dstill_serve.microbatcher import Queue
from dstill_serve.student import Student

if TYPE_CHECKING:
    from uvicorn import Server

__all__ = ["Limits", "listening", "opened", "run"]

GRACE = 10  # seconds that requests under way get at the end


@dataclass(frozen=True, kw_only=True)
class Limits:
    batch: int  # requests that the student answers together
    queue_size: int  # requests in the house at once; more are sent away
    seconds: float  # from a request to its answer


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Raises UsageError, MissingExtra."""
    for library in ("starlette", "uvicorn", "prometheus_client"):
        if find_spec(library) is None:
            raise MissingExtra("`dstill serve`", "serve", library.replace("_", "-"))
    with http.listening(host, port, hint="name another, or 0 for a free one") as listener:
        yield listener


@contextlib.contextmanager
def opened(
    answering: Predictor, listener: socket.socket, *, token: Secret | None, limits: Limits
) -> Iterator[tuple[Server, Service]]:
    """The server over an `Predictor` that was entered, ready to run."""
    student, metrics = Student(answering), Metrics()
    host, port = listener.getsockname()[:2]
    door = Door(host=host, port=port, token=token)
    with (
        Runner(answering) as runner,
        Queue(student.work, most=limits.batch, size=limits.queue_size, did=metrics.batched) as queue,
    ):
        metrics.watch(queue, limits.queue_size)
        service = Service(
            student=student, queue=queue, runner=runner, door=door, metrics=metrics, seconds=limits.seconds
        )
        # those who wait for an answer, and as many who are told that there is no room
        most = max(http.MOST, 2 * limits.queue_size)
        yield http.server_of(application(service), grace=GRACE, most=most), service


def run(server: Server, listener: socket.socket) -> signal.Signals:
    """Serve until a signal, and say which it was. A second Ctrl-C raises KeyboardInterrupt: nothing is waited for."""
    took: list[int] = []

    def stop(number: int, frame: object) -> None:
        """Before uvicorn listens to signals itself, and when it raises at the end what it was stopped by."""
        took.append(number)
        server.should_exit = True

    with handling(stop, signal.SIGINT, signal.SIGTERM):
        asyncio.run(server.serve(sockets=[listener]))
    if server.force_exit:
        raise KeyboardInterrupt
    return signal.Signals(took[0])
