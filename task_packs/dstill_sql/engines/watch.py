"""Stops queries that run too long: one thread for an engine, instead of a clock for each query.

    watch = Watch()
    with watch.over(connection.interrupt, 5.0):
        …                                 after 5 s, `interrupt` is called; at the end, `Stopped` is raised

The thread looks ten times a second, and ends when there was nothing to watch for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Stopped", "Watch"]

_INTERVAL = 0.1  # seconds
_IDLE_LOOKS = 20  # looks without a query, after which the thread ends


class Stopped(Exception):
    """The query ran too long."""


class Watch:
    """Watches one query at a time. `also`: to do at each look."""

    def __init__(self, also: Callable[[], None] | None = None) -> None:
        self._also = also
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None
        self._until = 0.0
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    @contextmanager
    def over(self, interrupt: Callable[[], None], seconds: float) -> Iterator[None]:
        """Call `interrupt` if the block takes too long, and raise Stopped then, even if the block came to an end."""
        with self._lock:
            self._interrupt, self._until, self._stopped = interrupt, time.monotonic() + seconds, False
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()
        try:
            yield
        except Exception:
            if self._stopped:
                raise Stopped from None
            raise
        else:
            if self._stopped:
                raise Stopped
        finally:
            with self._lock:  # so that no query after this one is interrupted
                self._interrupt = None

    def close(self) -> None:
        """End the thread. No block may be running."""
        self._closing.set()
        if thread := self._thread:
            thread.join()
        self._closing.clear()

    def _look(self) -> None:
        idle = 0
        while True:
            closing = self._closing.wait(_INTERVAL)
            if self._also:
                self._also()
            with self._lock:
                idle = 0 if self._interrupt else idle + 1
                if closing or idle > _IDLE_LOOKS:
                    self._thread = None
                    return
                if self._interrupt and time.monotonic() > self._until:
                    self._stopped = True
                    self._interrupt()
