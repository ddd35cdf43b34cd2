"""Endless replies and compression bombs are read up to a limit, and other items continue."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from support.fault_table import QUESTIONS, first, run
from support.loopback_teacher import LoopbackTeacher, Say, answer, bomb
from support.openai_asking import ask, opened

from dstill.api.records import Reply
from dstill.errors import DataError
from dstill_openai import bounded
from dstill_openai.errors import Oversized

pytestmark = pytest.mark.usefixtures("key")
LIMIT = 1 << 20
IN_FLIGHT = 1 << 24  # bytes that the sockets of both sides may hold


class Endless:
    """Answers every request with `status` and a body that does not end; `sent` are its bytes so far."""

    def __init__(self, status: int, headers: str = "", part: bytes = b" " * (1 << 16)) -> None:
        self.head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}\r\n".encode()
        self.part, self.sent = part, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with contextlib.suppress(ConnectionError), client:
                    client.recv(1 << 16)
                    client.sendall(self.head)
                    while True:
                        self.sent += client.send(self.part)


@contextlib.contextmanager
def serving(endless: Endless) -> Iterator[Endless]:
    thread = threading.Thread(target=endless.run)
    thread.start()
    try:
        yield endless
    finally:
        endless.listener.shutdown(socket.SHUT_RDWR)
        endless.listener.close()
        thread.join()


@pytest.mark.parametrize("status", [200, 401, 500])
def test_endless_body_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(bounded, "MAX_REPLY", LIMIT)
    with serving(Endless(status)) as endless:
        with pytest.raises(Oversized, match="sent a reply that is longer than 1,048,576 bytes"):
            ask(opened(endless.url))
        assert LIMIT < endless.sent < LIMIT + IN_FLIGHT


def test_empty_gzip_blocks_count_towards_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_REPLY", LIMIT)
    pack = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    head = pack.flush(zlib.Z_FULL_FLUSH)
    part = pack.flush(zlib.Z_FULL_FLUSH) * 10_000 or b"\x00\x00\x00\xff\xff" * 10_000
    endless = Endless(200, "Content-Encoding: gzip\r\n", part)
    endless.head += head
    with serving(endless), pytest.raises(Oversized, match="longer than"):
        ask(opened(endless.url))
    assert endless.sent < LIMIT + IN_FLIGHT


def test_batch_files_have_their_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_FILE", LIMIT)
    with serving(Endless(200)) as endless:
        teacher = opened(endless.url)

        async def fetch() -> None:
            async with teacher:
                await teacher._batches._lines("file-1")

        with pytest.raises(Oversized, match="longer than 1,048,576 bytes"):
            asyncio.run(fetch())


def test_compression_bomb_is_unpacked_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[int] = []
    plain = bounded.decompressed

    def counted(unpack: Any, part: bytes) -> Iterator[bytes]:
        for piece in plain(unpack, part):
            got.append(len(piece))
            yield piece

    monkeypatch.setattr(bounded, "decompressed", counted)
    with LoopbackTeacher(script=[bomb()]) as server, pytest.raises(Oversized, match="longer than 20,971,520 bytes"):
        ask(opened(server.base_url))
    assert bounded.MAX_REPLY < sum(got) <= bounded.MAX_REPLY + bounded.PIECE
    assert max(got) <= bounded.PIECE
    assert len(server.requests) == 1  # it is not retried


def test_run_continues_with_other_items() -> None:
    ran = run(first(bomb))
    assert ran.code == 3
    assert ran.requests == len(QUESTIONS)
    assert ran.result["accepted"] == len(QUESTIONS) - 1
    assert ran.result["rejections"] == {"too_long": 1}


def test_compressed_bodies_are_read() -> None:
    said = answer("because")
    packed = Say(body=gzip.compress(said.body), headers={**said.headers, "content-encoding": "gzip"})
    with LoopbackTeacher(script=[packed]) as server:
        reply = ask(opened(server.base_url))
    assert isinstance(reply, Reply)
    assert reply.text == "because"


def test_broken_gzip_is_retried() -> None:
    said = answer("because")
    broken = Say(body=b"no gzip", headers={**said.headers, "content-encoding": "gzip"})
    with LoopbackTeacher(script=[broken]) as server:
        assert ask(opened(server.base_url)).id == "why?"
    assert len(server.requests) == 2


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "deflate"])
def test_other_encodings_are_neither_requested_nor_accepted(encoding: str) -> None:
    said = answer("because")
    packed = Say(body=b"x", headers={**said.headers, "content-encoding": encoding})
    with LoopbackTeacher(script=[packed]) as server, pytest.raises(DataError, match=f"encoded as '{encoding}'"):
        ask(opened(server.base_url))
