"""Deadline and size limit of the connection to an engine, on servers of loopback that send raw bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill_querydsl.engines.connect import connect
from dstill_querydsl.engines.node import ReplyTooSlow, Wire
from dstill_querydsl.engines.rules import reads

PATIENCE = 30.0  # seconds after which a server gives up, so that a client without a deadline fails too
PAUSE = 0.02
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
Serve = Callable[[Iterable[bytes]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that sends these parts to every request, with pauses, for at most `PATIENCE`."""
    listeners: list[socket.socket] = []

    def answer(listener: socket.socket, parts: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    while connection.recv(65536):
                        send(connection, parts)

    def send(connection: socket.socket, parts: Iterable[bytes]) -> None:
        ends = time.monotonic() + PATIENCE
        for part in parts:
            connection.sendall(part)
            time.sleep(PAUSE)
            if time.monotonic() > ends:
                connection.close()
                return

    def start(parts: Iterable[bytes]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=answer, args=(listener, parts), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


class Endless:
    """`first`, and then `part` again and again."""

    def __init__(self, part: bytes, first: bytes = b"") -> None:
        self.part, self.first = part, first

    def __iter__(self) -> Iterator[bytes]:
        yield self.first
        while True:
            yield self.part


def client(url: str, seconds: float) -> Any:
    wire = Wire(permit=reads)
    made = connect(Engine(url=url), wire)
    wire.max_seconds = seconds
    return made


@pytest.mark.parametrize(
    "parts",
    [
        Endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
        Endless(b"h", first=HEAD + b"x-long: "),
        Endless(b" ", first=HEAD + b"\r\n"),
        Endless(b"1\r\n \r\n", first=HEAD + b"transfer-encoding: chunked\r\n\r\n"),
        Endless(b""),
    ],
    ids=["100 Continue", "a header in drops", "a body in drops", "chunks in drops", "nothing"],
)
def test_no_reply_is_waited_for_beyond_the_deadline(serve: Serve, parts: Endless) -> None:
    from elastic_transport import TransportError

    with client(serve(parts), seconds=0.5) as asking, pytest.raises(TransportError) as caught:
        asking.perform_request("GET", "/", headers={"accept": "application/json"})
    assert isinstance(caught.value.__cause__, ReplyTooSlow)
    assert str(caught.value.__cause__) == "the reply did not end within 0.5 s"


def test_interim_replies_before_a_reply_are_read(serve: Serve) -> None:
    reply = HEAD + b"content-length: 2\r\n\r\n{}"
    url = serve([b"HTTP/1.1 100 Continue\r\n\r\n"] * 3 + [reply])
    with client(url, seconds=PATIENCE) as asking:
        for _ in range(2):
            assert asking.perform_request("GET", "/", headers={"accept": "application/json"}).body == {}
