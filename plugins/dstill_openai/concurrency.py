"""How many requests are in flight at once: as many as are asked for, until the endpoint says that they are too many.

    ticket = await pace.enter()      # waits only where there is a limit, and it is reached
    pace.cut(ticket)                 # this one was answered with 429: half of those in flight, from now on
    pace.leave(grow=True)            # this one was answered: a limit of 8 is one of 9 after eight of these

Additive increase, multiplicative decrease (Chiu and Jain 1989), as in TCP. There is no limit before the
first 429, and none again when it has grown to the most that ever were in flight: who asks decides how many
those are. All that were under way when a limit was cut were sent under the old one, so they cut it only once.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Pace"]

_log = logging.getLogger("dstill")


class Pace:
    def __init__(self, host: str) -> None:
        self._host = host
        self._limit = self._lowest = math.inf
        self._in_flight = self._most = 0
        self._cuts = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> int:
        """Returns when the request may go. The ticket says how often the limit had been cut by then."""
        if self._waiting or self._in_flight + 1 > self._limit:
            await self._turn()
        else:
            self._in_flight += 1
        self._most = max(self._most, self._in_flight)
        return self._cuts

    def leave(self, *, grow: bool = False) -> None:
        self._in_flight -= 1
        if grow:
            self._limit += 1 / self._limit  # of no limit it stays none
            if self._limit >= self._most:
                self._limit = math.inf
        self._admit()

    def cut(self, ticket: int) -> None:
        if ticket < self._cuts:
            return
        self._cuts += 1
        self._limit = float(max(1, self._in_flight // 2))
        if self._limit < self._lowest:  # told once, not at each of its ups and downs
            self._lowest = self._limit
            _log.warning(
                "rate-limited by %s, requests in flight: %d instead of %d",
                self._host,
                self._limit,
                self._in_flight,
            )

    async def _turn(self) -> None:
        import asyncio  # here, as plugins load at every start of the command line

        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had just been given its place
                self.leave()
            raise

    def _admit(self) -> None:
        while self._waiting and self._in_flight + 1 <= self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
