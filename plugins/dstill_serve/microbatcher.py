"""Groups concurrent requests into batches, which one thread works on in the order of arrival.

    with Queue(answer, max_batch=16, max_requests=64) as queue:     # answer: a list of jobs → a list of results
        ticket = queue.put(job)                                     # raises Full
        ticket.result                                               # a concurrent.futures.Future
        ticket.release()                                            # the client has its answer or disconnected

A request that is released before its turn is never worked on. A running batch is not interrupted: a request released
meanwhile counts against `max_requests` until the batch ends. If a batch fails, its jobs are repeated one by one, so a
bad request does not fail the others.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Full", "Queue", "Ticket"]

J = TypeVar("J")
R = TypeVar("R")

LINGER = 0.1  # share of the last batch's seconds that the next batch waits for clients to ask again
MAX_LINGER = 0.05  # seconds
MAX_WAIT = 60  # seconds, the upper limit of `Full.wait`
_SMOOTHING = 0.2  # weight of the newest batch in the moving average of seconds per request


class Full(Exception):
    """The queue is full, probably for another `wait` seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"full for {wait} s")
        self.wait = wait


class Ticket(Generic[J, R]):
    """One request in the queue or in progress."""

    def __init__(self, job: J, queue: Queue[J, R]) -> None:
        self.job = job
        self.result: Future[R] = Future()
        self._queue = queue
        self._released = False

    def release(self) -> None:
        """Leave the queue: at once, or when the batch that contains this request ends."""
        if not self._released:
            self._released = True
            if self.result.cancel():
                self._queue._remove(self)
            self.result.add_done_callback(lambda _: self._queue._done())


class Queue(Generic[J, R]):
    """A context manager; its end finishes the running batch and cancels the waiting requests.

    Args:
        work: answers a batch, in order.
        max_batch: requests per batch.
        max_requests: requests that may wait or be in progress at the same time.
        on_batch: called after each batch with its size and seconds.
    """

    def __init__(
        self,
        work: Callable[[Sequence[J]], Sequence[R]],
        *,
        max_batch: int,
        max_requests: int,
        on_batch: Callable[[int, float], None] | None = None,
    ) -> None:
        self._work, self._max_batch, self._max_requests, self._on_batch = work, max_batch, max_requests, on_batch
        self._waiting: deque[Ticket[J, R]] = deque()
        self._change = threading.Condition()
        self._in_progress = 0
        self._closed = False
        self._seconds_per_request = 1.0
        # Clients often ask again as soon as they are answered. Without a short wait for them, one half of the clients
        # would wait while the other half is answered, in batches of half the size.
        self._expected = 1  # requests to wait for
        self._linger = 0.0  # seconds
        self._thread = threading.Thread(target=self._serve, name="student")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._closed = True
            cancelled = list(self._waiting)
            self._waiting.clear()
            self._change.notify_all()
        for ticket in cancelled:
            ticket.result.cancel()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def in_progress(self) -> int:
        """Requests that were not released yet: waiting, being answered, or being executed."""
        return self._in_progress

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(self, job: J) -> Ticket[J, R]:
        """Append a request. Raises Full if there are `max_requests` already, or after the end."""
        ticket = Ticket(job, self)
        with self._change:
            if self._closed or self._in_progress >= self._max_requests:
                raise Full(min(MAX_WAIT, max(1, round(self._in_progress * self._seconds_per_request))))
            self._in_progress += 1
            self._waiting.append(ticket)
            self._change.notify_all()
        return ticket

    def _remove(self, ticket: Ticket[J, R]) -> None:
        with self._change:
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def _done(self) -> None:
        with self._change:
            self._in_progress -= 1

    # --- the thread ---------------------------------------------------------------------

    def _serve(self) -> None:
        while batch := self._next_batch():
            started = time.monotonic()
            self._answer(batch)
            seconds = time.monotonic() - started
            self._seconds_per_request += _SMOOTHING * (seconds / len(batch) - self._seconds_per_request)
            self._expected = min(self._max_batch, len(batch) + len(self._waiting))
            self._linger = min(MAX_LINGER, LINGER * seconds)
            if self._on_batch:
                self._on_batch(len(batch), seconds)
            del batch  # do not keep the requests in memory while idle

    def _next_batch(self) -> list[Ticket[J, R]]:
        """Wait for requests and take the next batch; empty once the queue is closed."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closed)
                self._change.wait_for(lambda: len(self._waiting) >= self._expected or self._closed, self._linger)
                taken = [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
                if self._closed and not taken:
                    return []
            if batch := [ticket for ticket in taken if ticket.result.set_running_or_notify_cancel()]:
                return batch

    def _answer(self, batch: Sequence[Ticket[J, R]]) -> None:
        try:
            results = self._work([ticket.job for ticket in batch])
        except Exception as error:
            if len(batch) > 1:
                for ticket in batch:
                    self._answer([ticket])
            else:
                batch[0].result.set_exception(error)
            return
        for ticket, result in zip(batch, results, strict=True):
            ticket.result.set_result(result)
