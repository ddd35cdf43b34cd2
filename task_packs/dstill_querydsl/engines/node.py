"""The connection class for the official client: restricts its requests and adapts their format.

By default the client only talks to an Elasticsearch of its own major version. `node_class` makes a node (one server,
in `elastic_transport`) that also talks to Elasticsearch 7 to 9, OpenSearch and the embedded server. It refuses to send
requests that its `Wire` does not permit:

    wire = Wire(permit=lambda method, path: (method, path) == ("GET", "/"))
    client = Elasticsearch("http://127.0.0.1:9200", node_class=node_class(wire), max_retries=0)

A request and its reply together take at most ``wire.max_seconds``, however slowly the server sends the head or the body
of the reply, and however many interim replies (``100 Continue``) come first. At most ``wire.max_bytes`` of a reply are
read.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = ["JSON", "MAX_REPLY", "NotPermitted", "ReplyTooLarge", "ReplyTooSlow", "Wire", "node_class"]

MAX_REPLY = 20 * 2**20  # bytes
CONNECTIONS = 4  # connections to one server, so also requests at once
_BLOCK = 65536  # bytes sent or read at a time
JSON = {"accept": "application/json", "content-type": "application/json"}


class NotPermitted(Exception):
    """A request that this client must not make. Always a bug in dstill, as no answer can cause it."""


class ReplyTooLarge(Exception):
    """The reply is longer than `Wire.max_bytes`."""


class ReplyTooSlow(Exception):
    """Request and reply did not end within `Wire.max_seconds`."""


@dataclass(kw_only=True)
class Wire:
    """The rules for one client. Shared with its node, and updated when the server is identified."""

    permit: Callable[[str, str], bool]  # (method, path without parameters) → whether the request may be sent
    plain: bool = True  # send plain JSON types and accept any product; False: the client's own major version
    max_bytes: int = MAX_REPLY
    max_seconds: float = 60.0  # from the first byte sent to the last byte read


@dataclass(frozen=True, kw_only=True)
class _Deadline:
    """When one request and its reply have to be done."""

    seconds: float
    at: float  # on the monotonic clock

    def left(self) -> float:
        """The seconds that are left. Raises ReplyTooSlow."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise ReplyTooSlow(f"the reply did not end within {self.seconds:g} s")
        return left


_deadline: ContextVar[_Deadline] = ContextVar("deadline")  # of the request that this thread makes


class _Timed(io.RawIOBase):
    """Reads from a socket until the deadline of the request. The socket's own timeout is for each read."""

    def __init__(self, stream: io.RawIOBase, sock: Any) -> None:
        self._stream, self._sock, self._deadline = stream, sock, _deadline.get()
        self._each = sock.gettimeout() or self._deadline.seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(min(self._each, self._deadline.left()))
        try:
            return self._stream.readinto(buffer)
        except TimeoutError:
            self._deadline.left()  # raises what is wrong if it is the deadline that passed
            raise

    def close(self) -> None:
        self._stream.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response whose head and body are read by `_Timed`."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock))


def _timed(kind: type[Any]) -> type[Any]:
    """A connection class of urllib3, with the deadline of the request."""

    class Connection(kind):  # type: ignore[misc]
        response_class = _TimedResponse

        def send(self, data: bytes) -> None:
            if self.sock is None:
                self.connect()
            for start in range(0, len(data), _BLOCK):
                self.sock.settimeout(_deadline.get().left())
                super().send(data[start : start + _BLOCK])

    return Connection


class _Bounded:
    """A urllib3 pool that keeps to the limits of a `Wire`."""

    def __init__(self, pool: Any, wire: Wire) -> None:
        self._pool, self._wire = pool, wire
        pool.ConnectionCls = _timed(pool.ConnectionCls)

    def urlopen(self, method: str, target: str, **options: Any) -> Any:
        seconds = self._wire.max_seconds
        before = _deadline.set(_Deadline(seconds=seconds, at=time.monotonic() + seconds))
        try:
            reply = self._pool.urlopen(method, target, preload_content=False, **options)
            try:
                data = self._read(reply)
            except BaseException:
                reply.close()  # the rest must not be read as the next reply
                raise
            finally:
                reply.release_conn()  # back to the pool of `AT_ONCE` connections
        finally:
            _deadline.reset(before)
        return _Reply(status=reply.status, headers=reply.headers, data=data)

    def _read(self, reply: Any) -> bytes:
        parts, size = [], 0
        while part := reply.read1(_BLOCK):
            size += len(part)
            if size > self._wire.max_bytes:
                raise ReplyTooLarge(f"too_large: the reply is longer than {self._wire.max_bytes:,} bytes")
            _deadline.get().left()
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self._pool.close()


@dataclass(frozen=True, kw_only=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    data: bytes


def node_class(wire: Wire) -> type[Any]:
    """A node class for ``Elasticsearch(node_class=…)`` that follows the rules of `wire`."""
    from elastic_transport import HttpHeaders, Urllib3HttpNode
    from elastic_transport.client_utils import DEFAULT

    class Node(Urllib3HttpNode):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.pool: Any = _Bounded(self.pool, wire)

        def perform_request(
            self, method: str, target: str, body: Any = None, headers: Any = None, request_timeout: Any = DEFAULT
        ) -> Any:
            path = target.partition("?")[0]
            if not wire.permit(method, path):
                raise NotPermitted(f"{method} {path}")
            sent = HttpHeaders(headers or {})
            if wire.plain:
                # Bulk bodies have their own content type; all others are JSON.
                sent.update({key: _plain(sent[key], value) for key, value in JSON.items() if key in sent})
            reply = super().perform_request(method, target, body, sent, request_timeout)
            # Otherwise each deprecation becomes a Python warning, on every request.
            reply.meta.headers.pop("warning", None)
            if wire.plain:
                reply.meta.headers.setdefault("x-elastic-product", "Elasticsearch")
            return reply

    return Node


def _plain(sent: str, default: str) -> str:
    return "application/x-ndjson" if "x-ndjson" in sent else default
