"""Limits the requests in flight after an endpoint replied that there are too many.

    ticket = await limit.acquire()   # waits only if there is a limit and it is reached
    limit.decrease(ticket)           # the reply was 429: the limit becomes half of the requests in flight
    limit.release(grow=True)         # the reply was a success: eight of these raise a limit of 8 to 9

Additive increase, multiplicative decrease, as in TCP (Chiu and Jain 1989). There is no limit before the first 429, and
none again once it has grown to the highest number of requests that were ever in flight. Requests that were in flight
when the limit was decreased do not decrease it again.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from dstill.io.logs import log

if TYPE_CHECKING:
    import asyncio

__all__ = ["ConcurrencyLimit"]


class ConcurrencyLimit:
    """The limit of one endpoint. Not thread-safe: it belongs to one event loop."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._limit = self._lowest = math.inf
        self._in_flight = self._peak = 0
        self._decreases = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> int:
        """Return once the request may be sent. The ticket is the number of decreases so far."""
        if self._waiting or self._in_flight + 1 > self._limit:
            await self._wait()
        else:
            self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        return self._decreases

    def release(self, *, grow: bool = False) -> None:
        """End a request; `grow` after a success."""
        self._in_flight -= 1
        if grow:
            self._limit += 1 / self._limit  # stays infinite if there is no limit
            if self._limit >= self._peak:
                self._limit = math.inf
        self._admit()

    def decrease(self, ticket: int) -> None:
        """Halve the limit, unless it was decreased since the request of `ticket` was sent."""
        if ticket < self._decreases:
            return
        self._decreases += 1
        self._limit = float(max(1, self._in_flight // 2))
        if self._limit < self._lowest:  # warn only about a new minimum
            self._lowest = self._limit
            log.warning(
                "rate-limited by %s, requests in flight: %d instead of %d",
                self._host,
                self._limit,
                self._in_flight,
            )

    async def _wait(self) -> None:
        import asyncio  # imported late: plugins load at every start of the command line

        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was admitted just before it was cancelled
                self.release()
            raise

    def _admit(self) -> None:
        while self._waiting and self._in_flight + 1 <= self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
