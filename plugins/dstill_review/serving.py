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
from dstill_review.session import ReviewSession

if TYPE_CHECKING:
    from uvicorn import Server

__all__ = ["HOST", "listening", "serve", "server_of"]

HOST = "127.0.0.1"
GRACE = 2  # seconds for requests in progress when the server stops


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket on `port` of loopback; 0: any free port. Raises UsageError if it is taken, or MissingExtra."""
    http.require_libraries("the page of `dstill data review`", "review", "starlette", "uvicorn")
    with http.listening(HOST, port, hint="omit --port to use any free port, or use --tui") as listener:
        yield listener


def server_of(session: ReviewSession, listener: socket.socket) -> tuple[Server, Access]:
    """A server to run with `asyncio.run(server.serve(sockets=[listener]))`, and the access policy with its address."""
    access = Access(listener.getsockname()[1])
    app = application(session, access, finish=lambda: setattr(server, "should_exit", True))
    server = http.server_of(app, grace=GRACE)
    return server, access


def serve(session: ReviewSession, listener: socket.socket, *, say: Callable[[str], None]) -> None:
    """Serve until the reviewer finishes on the page. Ctrl-C raises KeyboardInterrupt."""
    server, access = server_of(session, listener)
    progress = session.progress()
    say(
        f"{progress['left']} of {progress['sample']} rows to judge (of {progress['rows']}) as {session.reviewer}; "
        "stop with Ctrl-C, decisions are saved"
    )
    say("this address works once, in the first browser that opens it:")
    say(f"open {access.address}")
    asyncio.run(server.serve(sockets=[listener]))
