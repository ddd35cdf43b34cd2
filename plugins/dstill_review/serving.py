"""The page's server: on loopback alone, for the one browser that opened its address first.

with listening(0) as page:              # a socket; UsageError where the port is taken
    serve(desk, page, say=print)        # "open http://127.0.0.1:40213/?token=…", until Ctrl-C or `finish`
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Callable, Iterator

from dstill.errors import MissingExtra
from dstill.runtime import http
from dstill_review.app import Door, application
from dstill_review.session import Desk

if TYPE_CHECKING:
    from uvicorn import Server

__all__ = ["HOST", "listening", "serve", "server_of"]

HOST = "127.0.0.1"
GRACE = 2  # seconds that requests under way get at the end


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket on `port` of loopback; 0: a free one. Raises UsageError, MissingExtra."""
    for library in ("starlette", "uvicorn"):
        if find_spec(library) is None:
            raise MissingExtra("the page of `dstill review`", "review", library)
    with http.listening(HOST, port, hint="leave it out for a free one, or use --tui") as listener:
        yield listener


def server_of(desk: Desk, listener: socket.socket) -> tuple[Server, Door]:
    """What `asyncio.run(server.serve(sockets=[listener]))` runs, and the door that knows its address."""
    door = Door(listener.getsockname()[1])
    app = application(desk, door, finish=lambda: setattr(server, "should_exit", True))
    server = http.server_of(app, grace=GRACE)
    return server, door


def serve(desk: Desk, listener: socket.socket, *, say: Callable[[str], None]) -> None:
    """Until the person finishes on the page. Raises KeyboardInterrupt at Ctrl-C."""
    server, door = server_of(desk, listener)
    far = desk.progress()
    say(f"{far['left']} of {far['sample']} rows to judge (of {far['rows']}), as {desk.who}; Ctrl-C stops and keeps all")
    say("this address works once, in the first browser that opens it:")
    say(f"open {door.address}")
    asyncio.run(server.serve(sockets=[listener]))
