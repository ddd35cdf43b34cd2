"""Access control: loopback host names or a token; and headers of every response."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dstill.errors import ConfigError, UsageError
from dstill.io.secrets import Secret
from dstill_serve.auth import OPEN_PATHS, Access, is_loopback, token_of

TOKEN = "a-token-of-the-tests-0123456789"
BODY = {"question": "what is tea?"}
PATHS = ("/v1/query", "/v1/chat/completions", "/v1/models", "/v1/models/tea", "/v1/about", "/metrics", "/nothing")


def test_other_host_names_are_refused(server: Any) -> None:
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", "localhost:1", "", "127.0.0.1.evil"):
        for path in (*PATHS, *OPEN_PATHS):
            reply = server("GET", path, host=host)
            assert (reply.status, reply.error["code"]) == (403, "wrong_host"), (host, path)
    assert server("GET", "/v1/models", host=f"localhost:{server.port}").status == 200


def test_cross_origin_requests_are_refused(server: Any) -> None:
    for origin in ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"):
        reply = server("POST", "/v1/query", BODY, origin=origin)
        assert (reply.status, reply.error["code"]) == (403, "wrong_origin")
    assert server("POST", "/v1/query", BODY, origin=server.address).status == 200
    assert server("OPTIONS", "/v1/query", origin="http://evil.example").status == 403


def test_every_response_has_security_headers_and_no_cors(server: Any) -> None:
    for method, path, body in [
        ("GET", "/", None),
        ("GET", "/page.js", None),
        ("GET", "/nothing", None),
        ("POST", "/v1/query", BODY),
        ("POST", "/v1/query", "{"),
        ("OPTIONS", "/v1/query", None),
    ]:
        headers = server(method, path, body).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
        assert headers["cache-control"] == "no-store"
        assert not any(name.startswith("access-control") for name in headers)
        assert "server" not in headers


def test_token_is_required_for_everything_about_the_run(serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(token=TOKEN)
    bearers = [f"Bearer {token}" for token in ("", TOKEN[:-1], f"{TOKEN}x", "é")]
    for given in ({}, *({"authorization": text} for text in ("", TOKEN, f"Basic {TOKEN}", *bearers))):
        sent = {name: value.encode().decode("latin-1") for name, value in given.items()}
        for path in PATHS:
            reply = server("POST" if "q" in path or "chat" in path else "GET", path, BODY, **sent)
            assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
            assert reply.error["type"] == "authentication_error"
            assert reply.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in reply.text
    for path in OPEN_PATHS:
        reply = server("GET", path)
        assert reply.status == 200
        assert "tea" not in reply.text
    assert server("GET", "/healthz").json == {"status": "ok", "model": "ready", "engine": "reachable"}


def test_any_host_name_is_accepted_with_the_token(serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(token=TOKEN)
    own = {"authorization": f"Bearer {TOKEN}", "host": "dstill.example", "origin": "https://dstill.example"}
    assert server("POST", "/v1/query", BODY, **own).json["answer"] == '{"say": "tea"}'
    assert "drift" in server("GET", "/healthz", **own).json
    assert server("GET", "/v1/models", authorization=f"bearer  {TOKEN}").status == 200


def test_token_is_in_no_response(serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(token=TOKEN)
    server.headers = {"authorization": f"Bearer {TOKEN}"}
    for question in (TOKEN, f"what is {TOKEN}\x07?"):
        reply = server.query(question, model=None if "\x07" in question else TOKEN)
        assert TOKEN not in json.dumps(reply.error)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_public_address_needs_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="but no token is set"):
        Access(host=host, port=1, token=None)
    assert Access(host=host, port=1, token=Secret(TOKEN)).requires_token


def test_loopback_addresses_are_recognized() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example")))
    assert Access(host="::1", port=80, token=None).address == "http://[::1]:80"


@pytest.mark.parametrize(("port", "host", "in_"), [(80, "localhost", True), (8000, "localhost", False)])
def test_port_80_may_be_omitted_from_the_host(port: int, host: str, in_: bool) -> None:
    from starlette.requests import Request

    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [(b"host", host.encode())]})
    assert (Access(host="127.0.0.1", port=port, token=None).check(request) is None) == in_


def test_malformed_host_header_is_handled(serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(token=TOKEN)
    for host in ("[", "a b", "::", "/"):
        assert server("GET", "/v1/models", authorization=f"Bearer {TOKEN}", host=host).status in (200, 400)
    assert server("GET", "/healthz").status == 200


def test_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert token_of("") is None
    monkeypatch.setenv("SHOP", "short")
    with pytest.raises(ConfigError, match="the token in SHOP is too short"):
        token_of("SHOP")
    monkeypatch.setenv("SHOP", TOKEN)
    token = token_of("SHOP")
    assert token is not None
    assert (str(token), token.reveal()) == ("***", TOKEN)
    with pytest.raises(ConfigError, match="environment variable NO_SHOP is not set"):
        token_of("NO_SHOP")
