"""What every server of dstill has in common: its socket, how it runs and stops, and the policy of its pages.

    with listening("127.0.0.1", 0, hint="leave it out for a free one") as listener:     # UsageError: port 80 is taken
        server = server_of(app, grace=2)                    # uvicorn's, which says nothing of its own
        asyncio.run(server.serve(sockets=[listener]))       # until a signal, or `server.should_exit`
    own_names("127.0.0.1", 8000)                            # ("127.0.0.1:8000", "localhost:8000")

Under `POLICY` a browser loads nothing from elsewhere, runs no script but the page's own files, and keeps no copy.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Any, Iterator

from dstill.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import Message, Send
    from uvicorn import Server

__all__ = ["MOST", "POLICY", "listening", "own_names", "server_of", "with_policy"]

MOST = 512  # connections at once
PATIENCE = 15.0  # seconds for a request to arrive, and for its answer to be read

POLICY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def own_names(host: str, port: int) -> tuple[str, ...]:
    """What a browser on this machine sends as Host. Another site whose name points here sends its own."""
    bracketed = f"[{host}]" if ":" in host else host
    named = (f"{bracketed}:{port}", f"localhost:{port}")
    return (*named, bracketed, "localhost") if port == 80 else named  # browsers leave 80 out


def with_policy(send: Send) -> Send:
    """An ASGI `send` that puts `POLICY` on every answer."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] += [(name.encode(), value.encode()) for name, value in POLICY.items()]
        await send(message)

    return sent


@contextlib.contextmanager
def listening(host: str, port: int, *, hint: str) -> Iterator[socket.socket]:
    """A socket on `port` of `host`, an IPv4 or IPv6 address; 0: a free one. Raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol by name: else asyncio leaves Nagle's algorithm on, and an answer waits 40 ms for an acknowledgement
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                raise UsageError(
                    f"'{host}' is no address of this machine", where="--host", hint="give one of its IP addresses"
                ) from None
            taken = error.errno == errno.EADDRINUSE
            what = f"port {port} is taken" if taken else f"port {port} cannot be used: {(error.strerror or '').lower()}"
            raise UsageError(what, where="--port", hint=hint) from None
        yield listener


def server_of(app: Any, *, grace: int, most: int = MOST, patience: float = PATIENCE) -> Server:
    """`grace`: seconds that requests under way get at the end. `most` and `patience`: as for `bounded`.

    Fewer connections are taken where the process may not open as many files.
    """
    import uvicorn

    from dstill.runtime.connections import BACKLOG, bounded, fitting

    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",  # what goes wrong is the application's to answer, and to log
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http=bounded(most=fitting(most), patience=patience),
            backlog=BACKLOG,
            timeout_graceful_shutdown=grace,
        )
    )
