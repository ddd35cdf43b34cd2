"""The page's server: on loopback alone, for the one browser that opened its address first.

with listening(0) as page:              # a socket; UsageError where the port is taken
    serve(desk, page, say=print)        # "open http://127.0.0.1:40213/?token=…", until Ctrl-C or `finish`
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import Callable, Iterator

from dstill.errors import MissingExtra, UsageError
from dstill_review.desk import Desk

__all__ = ["HOST", "listening", "serve"]

HOST = "127.0.0.1"
GRACE = 2  # seconds that requests under way get at the end


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket on `port` of loopback; 0: a free one. Raises UsageError, MissingExtra."""
    try:
        import starlette
        import uvicorn  # noqa: F401 - is it there?
    except ImportError as error:
        raise MissingExtra("the page of `dstill review`", "review", error.name or "") from error
    del starlette
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            what = f"port {port} is taken" if taken else f"port {port} cannot be used: {(error.strerror or '').lower()}"
            raise UsageError(what, where="--port", hint="leave it out for a free one, or use --tui") from None
        yield listener


def serve(desk: Desk, listener: socket.socket, *, say: Callable[[str], None]) -> None:
    """Until the person finishes on the page. Raises KeyboardInterrupt at Ctrl-C."""
    import uvicorn

    from dstill_review.app import Door, application

    door = Door(listener.getsockname()[1])
    config = uvicorn.Config(
        application(desk, door, finish=lambda: setattr(server, "should_exit", True)),
        log_config=None,
        log_level="critical",  # what goes wrong is answered on the page, and stands in the run's log
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        http="h11",
        timeout_graceful_shutdown=GRACE,
    )
    server = uvicorn.Server(config)
    far = desk.progress()
    say(f"{far['left']} of {far['sample']} rows to judge (of {far['rows']}), as {desk.who}; Ctrl-C stops and keeps all")
    say(f"open {door.address}")
    say("(the address works once, in the first browser that opens it)")
    asyncio.run(server.serve(sockets=[listener]))
