"""The connection class under the official client: what may be sent, and in what form.

The client talks to an Elasticsearch of its own major only. `node_class` makes a node (in the
terms of `elastic_transport`: one server) that lets it talk to Elasticsearch 7 to 9, OpenSearch
and the embedded server alike, and that refuses before sending what the `Wire` does not permit:

    wire = Wire(permit=lambda method, path: (method, path) == ("GET", "/"))
    client = Elasticsearch("http://127.0.0.1:9200", node_class=node_class(wire), max_retries=0)

A reply is read up to ``wire.max_bytes`` and ``wire.max_seconds``, whatever the server does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Mapping

__all__ = ["MAX_REPLY", "NotPermitted", "ReplyTooLarge", "ReplyTooSlow", "Wire", "node_class"]

MAX_REPLY = 20 * 2**20
AT_ONCE = 4  # connections, and so requests, to one server
_JSON = {"accept": "application/json", "content-type": "application/json"}


class NotPermitted(Exception):
    """A request that this client must not make: a bug in dstill, whatever the model wrote."""


class ReplyTooLarge(Exception):
    """A reply longer than `Wire.max_bytes`."""


class ReplyTooSlow(Exception):
    """A reply that had not ended after `Wire.max_seconds`."""


@dataclass(kw_only=True)
class Wire:
    """How one client may talk. Shared with its node, and changed once the server is known."""

    permit: Callable[[str, str], bool]  # (method, path without parameters)
    plain: bool = True  # send plain JSON types, take any product; False: the client's own major
    max_bytes: int = MAX_REPLY
    max_seconds: float = 60.0  # from the first byte sent to the last one read


class _Bounded:
    """A urllib3 pool that reads replies within the limits of a `Wire`."""

    def __init__(self, pool: Any, wire: Wire) -> None:
        self._pool, self._wire = pool, wire

    def urlopen(self, method: str, target: str, **options: Any) -> Any:
        deadline = time.monotonic() + self._wire.max_seconds
        reply = self._pool.urlopen(method, target, preload_content=False, **options)
        try:
            data = self._read(reply, deadline)
        except BaseException:
            reply.close()  # the rest of it must not be read as the next reply
            reply.release_conn()  # one of `AT_ONCE`: without it the pool would run dry
            raise
        reply.release_conn()
        return _Reply(status=reply.status, headers=reply.headers, data=data)

    def _read(self, reply: Any, deadline: float) -> bytes:
        parts, size = [], 0
        while part := reply.read1(65536):
            size += len(part)
            if size > self._wire.max_bytes:
                raise ReplyTooLarge(f"too_large: the reply is longer than {self._wire.max_bytes:,} bytes")
            if time.monotonic() > deadline:
                raise ReplyTooSlow(f"the reply had not ended after {self._wire.max_seconds:g} s")
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
    """A node class for ``Elasticsearch(node_class=…)`` that keeps to `wire`."""
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
                # A bulk body has a type of its own; every other is JSON.
                sent.update({key: _plain(sent[key], value) for key, value in _JSON.items() if key in sent})
            reply = super().perform_request(method, target, body, sent, request_timeout)
            # Deprecations become Python warnings otherwise, one a request.
            reply.meta.headers.pop("warning", None)
            if wire.plain:
                reply.meta.headers.setdefault("x-elastic-product", "Elasticsearch")
            return reply

    return Node


def _plain(sent: str, otherwise: str) -> str:
    return "application/x-ndjson" if "x-ndjson" in sent else otherwise
