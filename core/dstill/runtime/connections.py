"""A uvicorn protocol that protects the server from idle and slow clients.

    uvicorn.Config(app, http=bounded_protocol(most=connection_limit(512), patience=10), backlog=BACKLOG)

- A request, head and body, must arrive within `patience` seconds of the connection's start or of the request's first
  byte. The client must then read the response within as many seconds. Otherwise the connection is closed.
- At most `most` connections are open. A new one closes the one that has waited longest for a request. If all of them
  are being answered, the new one is closed.

Not covered: a client with permission that sends too many requests. The application must refuse those.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dstill.io import system

if TYPE_CHECKING:
    import asyncio

__all__ = ["BACKLOG", "bounded_protocol", "connection_limit"]

BACKLOG = 64  # connections that the system accepts before asyncio handles them
RESERVE = 192  # file descriptors for those and for everything else that the process opens


def connection_limit(wanted: int) -> int:
    """How many connections the process can open, up to `wanted`. Raises the soft limit of open files if allowed."""
    return max(1, system.open_files(wanted + RESERVE) - RESERVE)


def bounded_protocol(  # noqa: C901 - one class, defined here because its base needs uvicorn
    *, most: int, patience: float
) -> type[asyncio.Protocol]:
    """The protocol class. `most`: open connections; `patience`: seconds."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Bounded(H11Protocol):
        _timer: asyncio.TimerHandle | None = None
        _dropped = False  # it will be closed at the end of this round of the event loop
        _since = 0.0  # when it began to wait for a request, on the monotonic clock

        @property
        def _waits(self) -> bool:
            """Whether the client still has to send a request, or the rest of one."""
            return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._since = time.monotonic()
            self._start()
            others = [
                connection
                for connection in self.connections
                if isinstance(connection, Bounded) and not connection._dropped
            ]
            if len(others) > most:
                waiting = [other for other in others if other is not self and other._waits]
                min(waiting, key=lambda connection: connection._since, default=self)._drop()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._waits:
                self._stop()
            elif self._timer is None:
                self._start()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._since = time.monotonic()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._start()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._start() if self._waits else self._stop()

        def _drop(self) -> None:
            self._dropped = True
            self.transport.abort()

        def _start(self) -> None:
            self._stop()
            self._timer = self.loop.call_later(patience, self._drop)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Bounded
