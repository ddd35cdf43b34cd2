"""Requests in flight, brought together: one thread does them in batches, in the order in which they came.

    with Queue(answer, most=16, size=64) as queue:      # answer: a list of jobs in, a list of results out
        place = queue.put(job)                          # Full, where `room` requests are in the house already
        place.result                                    # a concurrent.futures.Future
        place.leave()                                   # the client is gone, or has its answer

Whoever leaves before their turn is never worked for. A batch under way is not interrupted; the place of one who left
meanwhile is free again when the batch ends, so that the house is never fuller than it says. A batch that fails is done
again one by one: nobody's question is another's error.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from types import TracebackType
from typing import Callable, Generic, Self, Sequence, TypeVar

__all__ = ["Full", "Place", "Queue"]

J = TypeVar("J")
R = TypeVar("R")

LINGER = 0.1  # of the seconds that the last batch took: so long a batch waits for those who may ask again
LONGEST_LINGER = 0.05  # seconds
LONGEST_WAIT = 60  # seconds that anybody is told to wait
_SMOOTH = 0.2  # weight of the newest batch in what a request is said to take


class Full(Exception):
    """No room; `wait`: in how many seconds there probably is."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"full for {wait} s")
        self.wait = wait


class Place(Generic[J, R]):
    """One request in the house."""

    def __init__(self, job: J, queue: Queue[J, R]) -> None:
        self.job = job
        self.result: Future[R] = Future()
        self._queue = queue
        self._left = False

    def leave(self) -> None:
        """Give the place back, at once or when the batch that it is in ends."""
        if not self._left:
            self._left = True
            if self.result.cancel():
                self._queue._forget(self)
            self.result.add_done_callback(lambda _: self._queue._free())


class Queue(Generic[J, R]):
    """A context manager; at its end what is under way is finished, and what waits is cancelled."""

    def __init__(
        self,
        work: Callable[[Sequence[J]], Sequence[R]],
        *,
        most: int,
        size: int,
        did: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        """`most`: of a batch. `room`: requests in the house, those under way too. `did` is told of every batch."""
        self._work, self._most, self._room, self._did = work, most, size, did
        self._waiting: deque[Place[J, R]] = deque()
        self._change = threading.Condition()
        self._inside = 0
        self._ended = False
        self._seconds = 1.0  # that one request takes, as its share of a batch
        # Who was answered just now often asks again at once: without a moment's wait for them half of all clients
        # would wait while the other half is answered, in batches half as large.
        self._expected = 1
        self._linger = 0.0
        self._thread = threading.Thread(target=self._serve, name="student")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._ended = True
            left = list(self._waiting)
            self._waiting.clear()
            self._change.notify_all()
        for place in left:
            place.result.cancel()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def inside(self) -> int:
        """Requests in the house: waiting, under way, or with what comes after."""
        return self._inside

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(self, job: J) -> Place[J, R]:
        """A place at the end. Raises Full."""
        place = Place(job, self)
        with self._change:
            if self._ended or self._inside >= self._room:
                raise Full(min(LONGEST_WAIT, max(1, round(self._inside * self._seconds))))
            self._inside += 1
            self._waiting.append(place)
            self._change.notify_all()
        return place

    def _forget(self, place: Place[J, R]) -> None:
        with self._change:
            if place in self._waiting:
                self._waiting.remove(place)

    def _free(self) -> None:
        with self._change:
            self._inside -= 1

    # --- the thread ---------------------------------------------------------------------

    def _serve(self) -> None:
        while batch := self._take():
            began = time.monotonic()
            self._do(batch)
            seconds = time.monotonic() - began
            self._seconds += _SMOOTH * (seconds / len(batch) - self._seconds)
            self._expected = min(self._most, len(batch) + len(self._waiting))
            self._linger = min(LONGEST_LINGER, LINGER * seconds)
            self._did(len(batch), seconds)
            del batch  # an idle thread holds on to nothing

    def _take(self) -> list[Place[J, R]]:
        """Those whose turn it is; none: it is over."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._ended)
                self._change.wait_for(lambda: len(self._waiting) >= self._expected or self._ended, self._linger)
                taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                if self._ended and not taken:
                    return []
            if here := [place for place in taken if place.result.set_running_or_notify_cancel()]:
                return here

    def _do(self, batch: Sequence[Place[J, R]]) -> None:
        try:
            results = self._work([place.job for place in batch])
        except Exception as error:
            if len(batch) > 1:
                for place in batch:
                    self._do([place])
            else:
                batch[0].result.set_exception(error)
            return
        for place, result in zip(batch, results, strict=True):
            place.result.set_result(result)
