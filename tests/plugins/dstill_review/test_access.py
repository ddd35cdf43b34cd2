"""Access control: host names, origins, cookies and malformed requests."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from dstill_review.access import Access

SENT = {"x-dstill": "1", "content-type": "application/json"}
Ask = Callable[..., "tuple[int, str, dict[str, str]]"]


@pytest.fixture
def access(make_run: Any, serve_in_thread: Any) -> Access:
    found: Access = serve_in_thread(make_run())
    return found


@pytest.fixture
def ask(access: Access) -> Ask:
    """Status, body and headers of one request, with the cookie unless another one is given."""
    session = access.exchange(access.address.partition("=")[2])

    def send(method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        host, port = access.hosts[0].split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        connection.request(method, path, body, {"cookie": f"{access.cookie}={session}", **headers})
        response = connection.getresponse()
        found = response.status, response.read().decode(), {k.lower(): v for k, v in response.getheaders()}
        connection.close()
        return found

    return send


def shown_row(ask: Ask) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(ask("GET", "/state")[1])["row"]
    return row


def test_every_response_has_the_content_security_policy(ask: Ask) -> None:
    for method, path, headers in [
        ("GET", "/", {}),
        ("GET", "/page.js", {}),
        ("GET", "/state", {}),
        ("GET", "/nothing", {}),
        ("GET", "/state", {"cookie": ""}),
        ("POST", "/judge", {}),
    ]:
        found = ask(method, path, **headers)[2]
        policy = dict(part.strip().split(" ", 1) for part in found["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
        assert policy["frame-ancestors"] == "'none'"
        assert found["cache-control"] == "no-store"
        assert found["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in found)


def test_nothing_is_shown_without_the_cookie(ask: Ask, access: Access) -> None:
    for path in ("/", "/state", "/page.js", "/result?id=q1", "/?token="):
        for cookie in ("", "dstill_review=0", f"{access.cookie}=0", f"{access.cookie}=é"):
            status, body, _ = ask("GET", path, cookie=cookie.encode().decode("latin-1"))
            assert (status, "box" in body) == (403, False), (path, cookie)


def test_other_host_names_are_refused(ask: Ask, access: Access) -> None:
    port = access.hosts[0].partition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "localhost:1", "", "127.0.0.1.evil"):
        assert ask("GET", "/state", host=host)[0] == 403, host


def test_localhost_is_accepted(ask: Ask, access: Access) -> None:
    assert ask("GET", "/state", host=access.hosts[1])[0] == 200


def test_cross_origin_requests_are_refused(ask: Ask, access: Access) -> None:
    for path in ("/judge", "/edit", "/undo", "/finish"):
        for headers in (
            {},
            {"origin": f"http://{access.hosts[0]}"},
            SENT,
            {**SENT, "origin": "http://evil.example"},
            {**SENT, "origin": "http://127.0.0.1:1"},
            {**SENT, "origin": "null"},
        ):
            assert ask("POST", path, "{}", **headers)[0] == 403
        assert ask("OPTIONS", path, origin="http://evil.example")[0] == 403
        assert ask("GET", path)[0] == 405
    assert ask("GET", "/state")[0] == 200


def test_requests_of_the_page_are_accepted(ask: Ask, access: Access) -> None:
    row = shown_row(ask)
    body = json.dumps({"id": row["id"], "digest": row["digest"], "decision": "accept"})
    status, text, _ = ask("POST", "/judge", body, origin=f"http://{access.hosts[0]}", **SENT)
    assert (status, json.loads(text)["progress"]["judged"]) == (200, 1)
    # a second window that still shows it
    _, text, _ = ask("POST", "/judge", body, origin=f"http://{access.hosts[0]}", **SENT)
    assert json.loads(text)["note"] == f"row '{row['id']}' is already judged or has changed"
    assert json.loads(text)["progress"]["judged"] == 1


def test_malformed_requests_are_refused(ask: Ask, access: Access) -> None:
    for path, body in [
        ("/judge", ""),
        ("/judge", "[]"),
        ("/judge", "null"),
        ("/judge", "{"),
        ("/judge", "[" * 100_000),
        ("/judge", '{"id": "q1", "digest": "0"}'),
        ("/judge", '{"id": "q1", "digest": "0", "decision": "undo"}'),
        ("/judge", '{"id": 1, "digest": "0", "decision": "accept"}'),
        ("/edit", '{"id": "q1", "digest": "0", "answer": {}}'),
        ("/judge", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
    ]:
        status, text, _ = ask("POST", path, body, origin=f"http://{access.hosts[0]}", **SENT)
        assert (status, json.loads(text)["problems"]) == (400, [{"message": "malformed request"}])


def test_endless_request_is_not_read(ask: Ask, access: Access) -> None:
    own = {"origin": f"http://{access.hosts[0]}", **SENT}
    assert ask("POST", "/edit", **own, **{"content-length": "1000000000"})[0] == 413
    assert ask("POST", "/edit", "3\r\n{}\n\r\n", **own, **{"transfer-encoding": "chunked"})[0] == 413


def test_error_is_reported_and_the_page_continues(ask: Ask, access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    from dstill_review.session import ReviewSession

    def breaks(self: ReviewSession) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(ReviewSession, "undo", breaks)
    status, text, _ = ask("POST", "/undo", "{}", origin=f"http://{access.hosts[0]}", **SENT)
    assert status == 500
    assert json.loads(text)["problems"] == [{"message": "bug in dstill: RuntimeError"}]
    assert ask("GET", "/state")[0] == 200
