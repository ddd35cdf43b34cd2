"""The server of the review page, on loopback only.

with listening(0) as listener:              # a socket; UsageError if the port is taken
    serve(session, listener, say=print)     # "open http://127.0.0.1:40213/?token=…", until Ctrl-C or `finish`
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dstill.runtime import http
from dstill_review.access import Access
from dstill_review.app import application
from dstill_review.judging import JudgingSession, Session

if TYPE_CHECKING:
    from uvicorn import Server

__all__ = ["HOST", "listening", "serve", "server_of"]

HOST = "127.0.0.1"
GRACE = 2  # seconds for requests in progress when the server stops


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket on `port` of loopback; 0: any free port. Raises UsageError if it is taken, or MissingExtra."""
    http.require_libraries("the review page", "review", "starlette", "uvicorn")
    with http.listening(HOST, port, hint="omit --port to use any free port, or use --tui") as listener:
        yield listener


def server_of(session: Session, listener: socket.socket) -> tuple[Server, Access]:
    """A server to run with `asyncio.run(server.serve(sockets=[listener]))`, and the access policy with its address."""
    access = Access(listener.getsockname()[1])
    app = application(session, access, finish=lambda: setattr(server, "should_exit", True))
    server = http.server_of(app, grace=GRACE)
    return server, access


def serve(session: Session, listener: socket.socket, *, say: Callable[[str], None]) -> None:
    """Serve until the reviewer finishes on the page. Ctrl-C raises KeyboardInterrupt."""
    server, access = server_of(session, listener)
    progress = session.progress()
    what = "answers" if isinstance(session, JudgingSession) else f"rows (of {progress['rows']}) as {session.reviewer}"
    say(f"{progress['left']} of {progress['sample']} {what} to judge; stop with Ctrl-C, decisions are saved")
    say("this address works once, in the first browser that opens it:")
    say(f"open {access.address}")
    asyncio.run(server.serve(sockets=[listener]))
