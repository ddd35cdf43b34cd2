"""Sockets and headers that all servers share."""

from __future__ import annotations

import socket

import pytest

from dstill.errors import UsageError
from dstill.runtime.http import POLICY, listening


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_binds_a_free_port(host: str) -> None:
    with listening(host, 0, hint="") as listener:
        address = listener.getsockname()
        assert address[0] == host
        with socket.create_connection(address[:2]) as client:
            accepted, _ = listener.accept()
            # asyncio sets TCP_NODELAY only for this protocol
            assert accepted.proto == socket.IPPROTO_TCP
            accepted.close()
            assert client.recv(1) == b""


def test_port_in_use_is_an_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as error, listening("127.0.0.1", port, hint="take another"):
            pass
    assert error.value.as_json() == {
        "code": "usage", "message": f"port {port} is taken", "where": "--port", "hint": "take another",
    }  # fmt: skip


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match=f"'{host}' is not an address of this machine"), listening(host, 0, hint=""):
        pass


def test_content_security_policy_blocks_all_by_default() -> None:
    assert POLICY["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
