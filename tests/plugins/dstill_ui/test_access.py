"""Who may use the pages: loopback, a token, cookies, origins, and who reviews."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from dstill.errors import UsageError
from dstill.io.secrets import Secret
from dstill_ui.access import MOST_SESSIONS, OPEN_PATHS, Access

TOKEN = "a-token-of-the-tests-0123456789"
PATHS = ("/", "/compare?run=a&run=b", "/runs/tea/report", "/runs/tea/play/", "/runs/tea/play/v1/about", "/nothing")
REVIEW = "/runs/milk/review"


def test_other_host_names_and_origins_are_refused(client: Any) -> None:
    for host in ("evil.example", f"evil.example:{client.port}", "127.0.0.1", ""):
        assert client.get("/", host=host).status == 403, host
    assert client.get("/", host=f"localhost:{client.port}").status == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        reply = client("POST", "/runs/tea/play/v1/query", {"question": "what is tea?"}, origin=origin)
        assert (reply.status, reply.json["error"]["code"]) == (403, "wrong_origin")


def test_login_without_a_token_leads_to_the_runs(client: Any) -> None:
    reply = client.get("/login")
    assert (reply.status, reply.headers["location"]) == (303, "./")
    assert "set-cookie" not in client.login().headers


def test_token_is_required_for_everything_about_the_runs(start: Any) -> None:
    client = start(token=TOKEN)
    name = client.access.cookie
    for sent in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"cookie": f"{name}=0"},
        {"cookie": f"{name}="},
        {"cookie": f"{name}={TOKEN}"},
    ):
        for path in PATHS:
            reply = client.get(path, **sent)
            assert (reply.status, "tea" in reply.text) == (401, False), (path, sent)
            assert client("POST", path, "{}", origin=client.address, **sent).status == 401
    for path in OPEN_PATHS:
        assert client.get(path).status == 200
    assert client.get("/", authorization=f"Bearer {TOKEN}").status == 200
    assert client.get("/", authorization=f"Bearer {TOKEN}", host="dstill.example").status == 200


def test_browser_is_led_to_the_login_and_back(start: Any) -> None:
    client = start(token=TOKEN)
    reply = client.get("/runs/tea/report?x=1", accept="text/html")
    assert (reply.status, reply.headers["location"]) == (303, "../../login?next=runs%2Ftea%2Freport%3Fx%3D1")
    page = client.get("/login?next=runs%2Ftea%2Freport").text
    assert 'action="login?next=runs%2Ftea%2Freport"' in page
    assert 'name="name"' in page
    assert client.login("ada", token="wrong").status == 403
    reply = client.login("ada", next="runs/tea/report")
    assert (reply.status, reply.headers["location"]) == (303, "./runs/tea/report")
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert "SameSite=strict" in reply.headers["set-cookie"]
    assert TOKEN not in reply.headers["set-cookie"]
    assert "ada" in client.get("/").text
    before = copy.copy(client.headers)
    assert client("POST", "/logout", "", origin=client.address).status == 303
    assert client.get("/", **before).status == 401


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "runs/\\evil",
        "javascript:alert(1)",
        "runs/\r\nx: y",
        "é",
    ],
)
def test_login_leads_nowhere_else(start: Any, address: str) -> None:
    client = start(token=TOKEN)
    assert client.login("ada", next=address).headers["location"] == "./"


def test_cookie_alone_changes_nothing_from_another_site(start: Any) -> None:
    client = start(token=TOKEN)
    client.login("ada")
    for path in ("/logout", "/runs/tea/play/v1/query", f"{REVIEW}/judge", f"{REVIEW}/finish"):
        for sent in ({}, {"origin": "null"}, {"origin": "http://evil.example"}):
            assert client("POST", path, "{}", **sent).status == 403, (path, sent)
    form = f"token={TOKEN}&name=eve"
    assert client("POST", "/login", form, origin="http://evil.example").status == 403


def test_decisions_need_the_page_itself(start: Any) -> None:
    client = start(token=TOKEN)
    client.login("ada")
    assert client.opened("milk", "review").status == 200
    for sent in ({"origin": client.address}, {"x-dstill": "1", "origin": "http://127.0.0.1:1"}, {"x-dstill": "1"}):
        assert client("POST", f"{REVIEW}/undo", "{}", **sent).status == 403
    program = {"authorization": f"Bearer {TOKEN}", "cookie": ""}
    assert client("POST", f"{REVIEW}/undo", "{}", **program).status in (403, 409)
    assert client.change(f"{REVIEW}/undo", {}).status == 200


def test_one_person_reviews_a_run_at_a_time_under_their_own_name(start: Any, runs: Any) -> None:
    ada = start(token=TOKEN)
    bob = copy.deepcopy(ada.headers)
    ada.login("ada  \u202elovelace")
    assert ada.opened("milk", "review").status == 200
    row = ada.get(f"{REVIEW}/state").json["row"]
    decision = {"id": row["id"], "digest": row["digest"], "decision": "reject"}
    second = replace(ada, headers=bob)
    second.login("bob")
    reply = second.get(f"{REVIEW}/")
    assert (reply.status, r"ada \u202elovelace reviews" in reply.text) == (409, True)
    assert second.change(f"{REVIEW}/judge", decision).status == 409
    assert second.get(f"{REVIEW}/state").status == 409
    assert ada.change(f"{REVIEW}/judge", decision).status == 200
    assert '"who":"ada \\\\u202elovelace"' in (runs / "milk" / "review.jsonl").read_text()


def test_configured_reviewer_is_not_asked_for(start: Any) -> None:
    client = start(token=TOKEN, reviewer="the team")
    assert 'name="name"' not in client.get("/login").text
    client.login("somebody")
    assert "the team" in client.get("/").text


def test_long_forms_are_not_read(start: Any) -> None:
    client = start(token=TOKEN)
    assert client("POST", "/login", f"token={TOKEN}&name={'x' * 20_000}", origin=client.address).status == 403


def test_public_address_needs_a_token() -> None:
    with pytest.raises(UsageError, match="no token is set"):
        Access(host="0.0.0.0", port=1, token=None)


def test_oldest_session_ends() -> None:
    access = Access(host="127.0.0.1", port=1, token=Secret(TOKEN))
    first, *_ = [access.login(TOKEN, "ada") for _ in range(MOST_SESSIONS + 1)]
    assert len(access._sessions) == MOST_SESSIONS
    assert first not in access._sessions
    assert access.login("wrong", "ada") == ""
