"""When to try again where the server did not say: exponential backoff with full jitter.

    backoff(1), backoff(2), backoff(9)      0.31, 0.87, 41.2

A pause holds for all requests of a teacher, not just for the one that was told: the others would
only be told the same.
"""

from __future__ import annotations

import logging
import random
import time

__all__ = ["Gate", "backoff"]

FIRST, LONGEST = 0.5, 60.0  # seconds: the range of the first try again, and of the last

_log = logging.getLogger("dstill")


def backoff(attempt: int) -> float:
    """Seconds before try `attempt` + 1: anything up to 0.5, 1, 2, 4 … s, so that retries do not meet."""
    return random.uniform(0, min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 30)))


class Gate:
    """Held shut for as long as an endpoint asked; every request passes it."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._until = 0.0  # of the monotonic clock

    def shut(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if until > self._until:
            self._until = until
            _log.warning("rate-limited by %s, next try in %.0f s", self._host, seconds)

    async def passed(self) -> None:
        import asyncio  # here, as plugins load at every start of the command line

        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left + random.uniform(0, min(1.0, left / 10)))
