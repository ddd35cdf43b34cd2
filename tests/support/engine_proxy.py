"""A loopback proxy in front of a real engine: it passes requests on, records them, and misbehaves on demand.

    with EngineProxy(node_url) as proxy:
        engine = HttpEngine(Engine(url=proxy.url))      # everything reaches the node, and is recorded
        proxy.next("_search", busy("1"), cut(20))       # the next two searches fail, then all is well
        proxy.always("_count", slow(3))                 # every count takes three seconds more
        proxy.asked[0]                                  # Asked(method="GET", path="/", …)
        proxy.paths                                     # {("GET", "/"), ("POST", "/logs/_search")}

A fault is for requests whose path ends in a given text ("" for all). `EngineProxy(url, tls=context)`
speaks TLS to the client and plain HTTP to the node; `authorization="ApiKey abc"` demands that header
of every request, and answers 401 as a secured engine does. `most_at_once` is how many requests were
under way together. Each request runs in a thread of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

__all__ = [
    "EngineProxy",
    "Fault",
    "Reply",
    "Request",
    "altered",
    "busy",
    "cut",
    "large",
    "partial",
    "refused",
    "reset",
    "say",
    "slow",
]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that came in."""

    method: str
    path: str  # without parameters
    parameters: str  # what stood after "?"
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back to the client."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    body: bytes | Iterable[bytes] = b""  # an iterable needs no length: it ends with the connection
    keep: int | None = None  # so many bytes go out of those that content-length says, then the connection ends
    reset: bool = False  # ends with RST, where it would end in order


# The reply to a request; `fetch` asks the node.
Fault = Callable[[Request, Callable[[], Reply]], Reply]


# --- faults -----------------------------------------------------------------------------


def say(status: int, body: Any, **headers: str) -> Fault:
    """Answer in the node's place: JSON, or bytes as they are; ``retry_after="1"`` sets Retry-After."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked, fetch: Reply(status=status, headers=named, body=data)


def busy(retry_after: str | None = None, status: int = 429) -> Fault:
    """Too many requests, as an engine says it."""
    details = {} if retry_after is None else {"retry_after": retry_after}
    return refused(status, "es_rejected_execution_exception", "rejected execution of search", **details)


def refused(status: int, type: str, reason: str, **headers: str) -> Fault:
    """An engine's own error."""
    error = {"type": type, "reason": reason, "root_cause": [{"type": type, "reason": reason}]}
    return say(status, {"error": error, "status": status}, **headers)


def slow(seconds: float) -> Fault:
    """The node's reply, so much later."""

    def fault(asked: Request, fetch: Callable[[], Reply]) -> Reply:
        time.sleep(seconds)
        return fetch()

    return fault


def cut(keep: int) -> Fault:
    """The first `keep` bytes of the node's reply; then the connection ends."""
    return _shortened(keep, reset=False)


def reset(keep: int) -> Fault:
    """The first `keep` bytes of the node's reply; then the connection is reset."""
    return _shortened(keep, reset=True)


def _shortened(keep: int, *, reset: bool) -> Fault:
    def fault(asked: Request, fetch: Callable[[], Reply]) -> Reply:
        reply = fetch()
        return Reply(status=reply.status, headers=reply.headers, body=reply.body, keep=keep, reset=reset)

    return fault


def altered(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """The node's reply, its JSON changed."""

    def fault(asked: Request, fetch: Callable[[], Reply]) -> Reply:
        reply = fetch()
        assert isinstance(reply.body, bytes)
        body = json.dumps(change(json.loads(reply.body))).encode()
        return Reply(status=reply.status, headers=reply.headers, body=body)

    return fault


def partial(*, timed_out: bool = False, failed: int = 0) -> Fault:
    """The node's reply, said to be of a part of the data only."""
    return altered(
        lambda reply: {
            **reply,
            "timed_out": timed_out or reply.get("timed_out", False),
            "_shards": {**reply.get("_shards", {}), "failed": failed},
        }
    )


def large(size: int) -> Fault:
    """A JSON reply of `size` bytes, made on the way."""
    chunk = b" " * 2**16
    return lambda asked, fetch: Reply(body=(chunk for _ in range(size // len(chunk))))


# --- the proxy --------------------------------------------------------------------------


class EngineProxy:
    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None, authorization: str = "") -> None:
        self.node = url
        self._authorization = authorization
        self._next: dict[str, list[Fault]] = defaultdict(list)
        self._always: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self._under_way = 0
        self.asked: list[Request] = []
        self.most_at_once = 0
        self._server = _Server(self._handler())
        if tls is not None:
            # the handshake is made by the thread of the connection: a client that breaks it off stops nobody else
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="engine proxy"
        )
        self._thread.start()

    def next(self, ending: str, *faults: Fault) -> None:
        """The next requests whose path ends in `ending` get these, in order."""
        with self._lock:
            self._next[ending] += faults

    def always(self, ending: str, fault: Fault | None) -> None:
        """Every request whose path ends in `ending` gets `fault`; None takes it back."""
        with self._lock:
            self._always.pop(ending, None)
            if fault is not None:
                self._always[ending] = fault

    @property
    def paths(self) -> set[tuple[str, str]]:
        """(method, path) of everything that was asked."""
        return {(asked.method, asked.path) for asked in self.asked}

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- one request --------------------------------------------------------------------

    def _answer(self, asked: Request) -> Reply:
        with self._lock:
            self.asked.append(asked)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            return self._fault(asked)(asked, lambda: self._fetch(asked))
        finally:
            with self._lock:
                self._under_way -= 1

    def _fault(self, asked: Request) -> Fault:
        if self._authorization and asked.headers.get("authorization") != self._authorization:
            return refused(401, "security_exception", "unable to authenticate with provided credentials")
        with self._lock:
            for ending, faults in self._next.items():
                if faults and asked.path.endswith(ending):
                    return faults.pop(0)
            for ending, fault in self._always.items():
                if asked.path.endswith(ending):
                    return fault
        return lambda asked, fetch: fetch()

    def _fetch(self, asked: Request) -> Reply:
        node = urlsplit(self.node)
        connection = http.client.HTTPConnection(node.hostname or "", node.port, timeout=60)
        kept = {name: asked.headers[name] for name in ("accept", "content-type") if name in asked.headers}
        target = f"{asked.path}?{asked.parameters}" if asked.parameters else asked.path
        with contextlib.closing(connection):
            connection.request(asked.method, target, asked.body or None, kept)
            reply = connection.getresponse()
            passed = {n.lower(): v for n, v in reply.getheaders() if n.lower() in ("content-type", "x-elastic-product")}
            return Reply(status=reply.status, headers=passed, body=reply.read())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path, _, parameters = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                asked = Request(method=self.command, path=path, parameters=parameters, headers=headers, body=body)
                with contextlib.suppress(ConnectionError, ssl.SSLError):  # the client had enough
                    self._send(answer(asked))

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                body, ends = reply.body, reply.keep is not None
                if isinstance(body, bytes):
                    self.send_header("content-length", str(len(body)))
                    body = [body[: reply.keep]]
                else:
                    self.send_header("connection", "close")
                    ends = True
                self.end_headers()
                for part in body if self.command != "HEAD" else ():
                    self.wfile.write(part)
                self.close_connection = self.close_connection or ends
                if reply.reset:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # one that sleeps keeps nobody waiting

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the client broke off, in a handshake or later, is what tests are about."""
