"""The common parts of dstill's servers: the socket, the uvicorn server, and the security headers of its pages.

    with listening("127.0.0.1", 0, hint="leave it out for a free one") as listener:     # UsageError: port 80 is taken
        server = server_of(app, grace=2)                    # uvicorn's, without its own messages
        asyncio.run(server.serve(sockets=[listener]))       # until a signal, or `server.should_exit`
    own_names("127.0.0.1", 8000)                            # ("127.0.0.1:8000", "localhost:8000")

The headers of `POLICY` let a browser load and run only the server's own files, and forbid it to store a copy.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dstill.errors import MissingExtra, UsageError
from dstill.io import system

if TYPE_CHECKING:
    from starlette.types import Message, Send
    from uvicorn import Server

__all__ = ["MOST", "POLICY", "listening", "own_names", "require_libraries", "server_of", "with_policy"]

MOST = 512  # open connections
PATIENCE = 15.0  # seconds for a request to arrive, and for its response to be read

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
    """The values of the Host header that a browser on this machine sends to the server at `host`.

    A page of another site whose name resolves to this machine (DNS rebinding) sends its own name.
    """
    bracketed = f"[{host}]" if ":" in host else host
    named = (f"{bracketed}:{port}", f"localhost:{port}")
    return (*named, bracketed, "localhost") if port == 80 else named  # browsers omit port 80


def with_policy(send: Send) -> Send:
    """An ASGI `send` that adds the headers of `POLICY` to every response, except those that the response has."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.decode("latin-1").lower() for name, _ in message["headers"]}
            missing = [(name.encode(), value.encode()) for name, value in POLICY.items() if name not in own]
            message["headers"] = [*message["headers"], *missing]
        await send(message)

    return sent


def require_libraries(feature: str, extra: str, *libraries: str) -> None:
    """Raises MissingExtra if a library of an extra is not installed. Imports none of them."""
    for library in libraries:
        if find_spec(library) is None:
            raise MissingExtra(feature, extra, library.replace("_", "-"))


@contextlib.contextmanager
def listening(host: str, port: int, *, hint: str) -> Iterator[socket.socket]:
    """A listening socket. `host`: an IPv4 or IPv6 address; `port` 0: any free one. Raises UsageError with `hint`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With IPPROTO_TCP, asyncio turns Nagle's algorithm off. Otherwise a response waits 40 ms for an acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if system.reuses_address:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                raise UsageError(
                    f"'{host}' is not an address of this machine", where="--host", hint="give one of its IP addresses"
                ) from None
            taken = error.errno == errno.EADDRINUSE
            what = f"port {port} is taken" if taken else f"port {port} cannot be used: {(error.strerror or '').lower()}"
            raise UsageError(what, where="--port", hint=hint) from None
        yield listener


def server_of(app: Any, *, grace: int, most: int = MOST, patience: float = PATIENCE) -> Server:
    """A uvicorn server for the ASGI application `app`.

    `grace`: seconds that running requests have at shutdown. `most`: open connections, fewer if the process may not open
    so many files. `patience`: seconds for a request to arrive, and for its response to be read.
    """
    import uvicorn

    from dstill.runtime.connections import BACKLOG, bounded_protocol, connection_limit

    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",  # the application answers errors and logs them
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http=bounded_protocol(most=connection_limit(most), patience=patience),
            backlog=BACKLOG,
            timeout_graceful_shutdown=grace,
        )
    )
