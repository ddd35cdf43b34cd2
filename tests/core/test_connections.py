"""Idle, slow and excess connections are closed, and proper requests are answered."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.served import threads

from dstill.runtime import connections, http

PATIENCE = 30  # seconds: a busy machine is slow, a test that hangs is wrong
GOOD = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LARGE = b"x" * (1 << 24)  # more than the sockets of both sides hold

Serve = Callable[..., "Served"]


@dataclass
class Served:
    address: tuple[str, int]
    server: Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads a request to its end and answers; ``/large`` is more than socket buffers hold."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": LARGE if scope["path"] == "/large" else b"here"})


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(most=4, patience=0.2)``: a server in a thread."""

    def start(**limits: Any) -> Served:
        stack = contextlib.ExitStack()
        listener = stack.enter_context(http.listening("127.0.0.1", 0, hint=""))
        server = http.server_of(app, grace=1, **limits)
        run(server, listener, stack)
        return Served(listener.getsockname(), server)

    with threads() as run:
        yield start


@contextlib.contextmanager
def connect(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(served.address, timeout=PATIENCE) as client:
        yield client


def rest(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(1 << 16):
            found += part
    return found


def asked(served: Served) -> bytes:
    with connect(served) as client:
        client.sendall(GOOD)
        return rest(client)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: a",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    ],
)
def test_incomplete_request_is_dropped(serve: Serve, sent: bytes) -> None:
    served = serve(patience=0.2)
    with connect(served) as client:
        client.sendall(sent)
        assert rest(client) == b""
    assert b"here" in asked(served)


def test_incomplete_second_request_is_dropped(serve: Serve) -> None:
    with connect(serve(patience=0.2)) as client:
        client.sendall(GOOD.replace(b"close", b"keep-alive"))
        assert b"200 OK" in client.recv(1 << 10)
        client.sendall(b"GET / HT")
        assert b"200 OK" not in rest(client)


def test_slow_request_does_not_extend_the_timeout(serve: Serve) -> None:
    with connect(serve(patience=0.3)) as client:
        client.settimeout(0.02)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < PATIENCE / 0.02:
                client.sendall(b"G" if sent == 0 else b"E")
                sent += 1
                with contextlib.suppress(TimeoutError):
                    if not client.recv(1):
                        break
        assert 0 < sent < 100


def test_unread_response_is_dropped(serve: Serve) -> None:
    served = serve(patience=0.2)
    with connect(served) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        end = time.monotonic() + PATIENCE
        while served.server.server_state.connections:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert len(rest(client)) < len(LARGE)


def test_idle_connections_do_not_block_others(serve: Serve) -> None:
    served = serve(most=8, patience=PATIENCE)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(served)) for _ in range(40)]
        idle[-1].sendall(GOOD[:10])
        assert b"here" in asked(served)
        idle[-1].sendall(GOOD[10:])  # those who came last are still there
        assert b"here" in rest(idle[-1])
        assert [rest(client) for client in idle[:30]] == [b""] * 30


def test_new_connection_is_refused_when_all_slots_are_busy(serve: Serve) -> None:
    served = serve(most=2, patience=PATIENCE)
    with connect(served) as one, connect(served) as two:
        for client in (one, two):
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(15) == b"HTTP/1.1 200 OK"
        with contextlib.suppress(ConnectionError):
            assert asked(served) == b""
        assert LARGE in rest(one)
        assert LARGE in rest(two)
    assert b"here" in asked(served)


def test_connections_are_bounded_by_the_open_file_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [256, 400]

    def set_limits(kind: int, new: tuple[int, int]) -> None:
        limits[:] = new

    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", set_limits)
    assert connections.connection_limit(20) == 20
    assert limits == [256, 400]
    assert connections.connection_limit(512) == 400 - connections.RESERVE
    assert limits == [400, 400]
    limits[:] = [100, 100]
    assert connections.connection_limit(512) == 1
