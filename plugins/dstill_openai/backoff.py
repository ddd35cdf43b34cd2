"""Delays between retries: exponential backoff with full jitter, unless the server says how long to wait.

    backoff(1), backoff(2), backoff(9)      0.31, 0.87, 41.2

A pause that an endpoint asks for holds for all requests of a teacher, since the others would get the same reply.
"Full jitter": Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
import time

from dstill.io.logs import log

__all__ = ["Pause", "backoff"]

FIRST, LONGEST = 0.5, 60.0  # seconds: the maximum delay of the first retry and of any retry


def backoff(attempt: int) -> float:
    """Seconds before try `attempt` + 1: random, up to 0.5, 1, 2, 4 … s, so that clients do not retry in step."""
    return random.uniform(0, min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 30)))


class Pause:
    """The pause that an endpoint asked for. Every request waits for its end."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._until = 0.0  # of the monotonic clock

    def extend(self, seconds: float) -> None:
        """Pause for `seconds` from now, unless the current pause is longer."""
        until = time.monotonic() + seconds
        if until > self._until:
            self._until = until
            log.warning("rate-limited by %s, next try in %.0f s", self._host, seconds)

    async def wait(self) -> None:
        """Return after the end of the pause, with jitter."""
        import asyncio  # imported late: plugins load at every start of the command line

        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left + random.uniform(0, min(1.0, left / 10)))
