"""When to try again: Retry-After where the server gave one, else exponential backoff with full jitter.

    retry_after({"retry-after": "12"})                              12.0
    retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})   0.0 once it has passed

A pause holds for all requests of a teacher, not just for the one that was told: the others would
only be told the same.
"""

from __future__ import annotations

import logging
import random
import re
import time
from email.utils import parsedate_to_datetime
from typing import Mapping

__all__ = ["Gate", "backoff", "retry_after"]

FIRST, LONGEST = 0.5, 60.0  # seconds: the range of the first try again, and of the last
A_DAY = 86_400.0

_log = logging.getLogger("dstill")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, or None where the server named none, or nothing that makes sense."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            seconds = float(value) / unit
            return seconds if seconds <= A_DAY else None
    try:
        at = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    seconds = at - time.time()
    return max(0.0, seconds) if seconds <= A_DAY else None


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
