"""Addresses, logins and servers that are something else: each ends with an error that says what to do."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.errors import ConfigError, DstillError, ServiceError, UsageError
from dstill_sql.engines.connecting import address_of, connect

MYSQL = b"J\0\0\0\n8.0.36\0\x08\0\0\0abcdefgh\0\xff\xf7\xff\x02\0\xff\xdf\x15" + b"\0" * 10 + b"caching_sha2_password\0"
ASKS_FOR_PASSWORD = b"R" + struct.pack("!ii", 8, 3)  # in clear text

Serve = Callable[..., "Loopback"]


class Loopback:
    """A server that greets, and answers each message with the next of `replies`; without one, it says nothing."""

    def __init__(self, *replies: bytes, greeting: bytes = b"", closes: bool = False) -> None:
        self.replies, self.greeting, self.closes = replies, greeting, closes
        self.heard: list[bytes] = []
        self.connection: Any = None  # the last one
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"postgresql://127.0.0.1:{self.socket.getsockname()[1]}/shop"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connection = connection
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    continue

    def _answer(self, connection: socket.socket) -> None:
        if self.closes:
            return
        connection.sendall(self.greeting)
        connection.settimeout(5)
        for reply in (*self.replies, b""):
            message = connection.recv(4096)
            self.heard.append(message)
            connection.sendall(reply)
            if not message:
                return
        while connection.recv(4096):
            pass

    def close(self) -> None:
        for one in (self.socket, self.connection):
            with contextlib.suppress(OSError, AttributeError):
                one.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Loopback] = []

    def start(*replies: bytes, **given: Any) -> Loopback:
        servers.append(Loopback(*replies, **given))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def failure(url: str, *, plain: bool = False, user: str = "me", **given: Any) -> DstillError:
    with pytest.raises(DstillError) as caught:
        connect(Engine(url=url, **{"timeout": 2.0, **given}), user=user, plain=plain)
    return caught.value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"replies": [b"HTTP/1.1 400 Bad Request\r\n\r\n"]}, "answers, but is not PostgreSQL"),
        ({"greeting": MYSQL}, "answers, but is not PostgreSQL"),
        ({"replies": [b"-ERR unknown command\r\n"]}, "answers, but is not PostgreSQL"),
        ({"replies": [b"N", b"HTTP/1.1 400 Bad Request\r\n\r\n"]}, "answers, but is not PostgreSQL"),
        ({"greeting": b"SSH-2.0-OpenSSH_9.2\r\n"}, "is not PostgreSQL|does not answer"),
        ({}, "does not answer"),
        ({"closes": True}, "closed the connection"),
    ],
    ids=["http", "mysql", "redis", "http after TLS", "ssh", "silent", "closing"],
)
def test_other_products_are_named_as_such(given: dict[str, Any], said: str, serve: Serve) -> None:
    started = time.monotonic()
    error = failure(
        serve(*given.get("replies", ()), **{key: one for key, one in given.items() if key != "replies"}).url
    )
    assert isinstance(error, ServiceError)
    assert re.search(said, error.what), error
    assert error.hint
    assert time.monotonic() - started < 10


def test_server_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure(f"postgresql://127.0.0.1:{port}/shop")
    assert error.what == f"cannot reach PostgreSQL at 127.0.0.1:{port}"
    assert "Connection refused" in error.where
    assert "is it running there" in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1",
        "postgresql://127.0.0.1/",
        "postgresql://127.0.0.1/a/b",
        "postgresql:///shop",
        "postgresql://a,b/shop",
        "postgresql://127.0.0.1/shop?sslmode=disable",
        "postgresql://127.0.0.1/shop?host=evil.example",
        "postgresql://me:secret@127.0.0.1/shop",
        "postgresql://me@127.0.0.1/shop",
        "postgresql://127.0.0.1:0/shop",
        "postgresql://127.0.0.1/shop host=evil.example",
    ],
)
def test_address_is_one_host_and_one_database(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        address_of(url)
    assert "secret" not in str(caught.value)


def test_address_has_parts() -> None:
    found = address_of("postgresql://[::1]:6000/my%20shop")
    assert (found.host, found.port, found.database, str(found)) == ("::1", 6000, "my shop", "[::1]:6000")
    assert address_of("postgres://db.example/shop").port == 5432
    with pytest.raises(UsageError, match="needs a server"):
        address_of("")


def test_no_secret_that_the_settings_do_not_name_is_sent(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A project of somebody else could name a server that asks for the password in clear text."""
    secrets = tmp_path / "pgpass"
    secrets.write_text("*:*:*:*:leaked-by-file\n")
    secrets.chmod(0o600)
    monkeypatch.setenv("PGPASSWORD", "leaked-by-variable")
    monkeypatch.setenv("PGPASSFILE", str(secrets))
    monkeypatch.setenv("PGOPTIONS", "-c leaked.option=1")
    server = serve(b"N", ASKS_FOR_PASSWORD)
    error = failure(server.url)
    assert "no password supplied" in error.where
    assert "engine.basic_auth_env" in error.hint
    assert b"leaked" not in b"".join(server.heard)


def test_password_of_the_settings_is_sent_to_this_machine(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN", "me:the-password")
    server = serve(b"N", ASKS_FOR_PASSWORD)
    failure(server.url, user="", basic_auth_env="LOGIN")
    assert b"the-password" in b"".join(server.heard)
    assert b"user\0me\0" in b"".join(server.heard)


def test_other_machines_need_tls(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIN", "me:the-password")
    monkeypatch.setattr("dstill_sql.engines.connecting.is_loopback", lambda host: False)
    server = serve(b"N")  # offers no TLS
    error = failure(server.url, basic_auth_env="LOGIN")
    assert "plain=true" in error.hint
    server = serve(b"N", ASKS_FOR_PASSWORD)
    error = failure(server.url, plain=True, basic_auth_env="LOGIN")  # not in clear text even then
    assert "cleartext password" in error.where
    assert b"the-password" not in b"".join(server.heard)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_key_env": "LOGIN"}, "PostgreSQL has no API keys"),
        ({"basic_auth_env": "NOT_SET"}, "NOT_SET is not set"),
        ({"basic_auth_env": "ODD"}, "ODD is not user:password"),
        ({"ca_certs": "/none.pem"}, "/none.pem is not a file"),
        ({"ca_certs": "/none.pem", "plain": True}, "both ca_certs and plain"),
    ],
)
def test_unfit_settings_are_named(given: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD", "hunter22")
    error = failure("postgresql://127.0.0.1:1/shop", **given)
    assert isinstance(error, ConfigError)
    assert said in error.what
    assert "hunter22" not in str(error)
