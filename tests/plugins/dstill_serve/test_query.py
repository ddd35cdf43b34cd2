"""`/v1/query`: answers, runs, reasons; and everything that can be wrong with a request, as an error with its status."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.inert import ENCODABLE, hidden

from dstill.runs.folder import data_file
from dstill.runs.run import Run
from dstill_serve.errors import RequestError
from dstill_serve.request_schema import parse_chat, parse_query

Until = Callable[[Callable[[], Any]], None]

SHORT = 3  # seconds that a request may take where that has to be too long; what the student does at once takes less


# --- answers ----------------------------------------------------------------------------


def test_an_answer(here: Any) -> None:
    reply = here.query("  what is tea?  ")
    assert reply.status == 200
    row = reply.json
    assert row.pop("id")
    assert row == {
        "question": "what is tea?",
        "answer": '{"say": "tea"}',
        "value": {"say": "tea"},
        "ok": True,
        "refused": False,
        "reason": "",
        "problems": [],
        "similarity": None,
        "terms": ["say"],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
    }


def test_an_answer_that_is_run(here: Any) -> None:
    row = here.query(execute=True).json
    assert (row["ok"], row["outcome"], row["result"], row["shown"]) == (True, "ok", "tea", "it says tea")
    assert row["tables"] == [{"title": "hits", "columns": ["n", "said"], "rows": [["1", "tea"]], "of": 1}]


def test_an_answer_that_the_engine_refuses(here: Any) -> None:
    row = here.query("what is wrong?", execute=True).json
    assert (row["ok"], row["outcome"], row["reason"]) == (False, "invalid", "nobody says !")


def test_an_answer_that_a_check_refuses_is_told_with_what_is_wrong_and_not_run(here: Any) -> None:
    reply = here.query("what is a script?", execute=True)
    row = reply.json
    assert (reply.status, row["ok"], row["reason"]) == (200, False, "refused: scripts are not allowed")
    assert [(p["layer"], p["pointer"]) for p in row["problems"]] == [("guard", "/script")]
    assert "outcome" not in row
    row = here.query("what is broken?").json
    assert (row["ok"], row["value"], row["problems"][0]["layer"]) == (False, None, "json")


def test_a_refusal_is_an_answer(here: Any) -> None:
    reply = here.query("what is secret?", execute=True)
    assert (reply.status, reply.json["ok"], reply.json["refused"]) == (200, False, True)
    assert "outcome" not in reply.json


def test_the_reasons_where_they_are_asked_for(here: Any) -> None:
    assert here.query(explain=True).json["rationale"] == "tea is a word"
    assert "rationale" not in here.query().json


def test_half_a_pair_goes_out_as_json_has_it(here: Any) -> None:
    reply = here.query("what is half a pair?", execute=True)
    assert reply.status == 200
    assert reply.json["value"] == {"say": "\ud800"}


def test_model_and_index_by_name(here: Any) -> None:
    assert here.query(model="tea", index="shop").status == 200
    assert here.query(model="tea", data="shop").status == 200


def test_a_request_names_data_in_the_words_of_its_task() -> None:
    for body in ({"question": "a", "db": "shop"}, {"question": "a", "data": "shop"}):
        assert parse_query(body, "db").data == "shop"
        with pytest.raises(RequestError) if "db" in body else contextlib.nullcontext():
            assert parse_query(body, "index").data == "shop"
    chat = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    assert [parse_chat({**chat, key: "shop"}, "db").data for key in ("db", "data")] == ["shop", "shop"]
    with pytest.raises(RequestError, match="'index' is not supported"):
        parse_chat({**chat, "index": "shop"}, "db")


def test_a_model_that_knows_several_data(run: Run, serve_here: Any) -> None:
    """The examples name data that can be asked about, and an unknown name is answered with the known ones."""
    record = run.records("test")[0]
    more = [replace(record, id=f"cafe-{n}", question=f"of the cafe {n}", context={"index": "cafe"}) for n in range(2)]
    run.write(data_file("test"), [*run.records("test"), *more])
    here = serve_here()
    about = here("GET", "/v1/about").json
    assert (list(about["data"]), about["data_noun"]) == (["shop", "cafe"], "index")
    named = {one["data"] for some in about["examples"].values() for one in some}
    assert named <= {"shop", "cafe"}
    for name in named:
        assert here.query(index=name).status == 200
    error = here.query(data="tea").error
    assert (error["code"], error["param"]) == ("index_not_found", "index")
    assert error["message"] == "unknown index 'tea'. Known: shop, cafe"


def test_requests_in_flight_are_one_batch(here: Any, side: Any, until: Until, place: Path) -> None:
    Path("hold").touch()
    first = side(here.query, "what is tea?")
    until(lambda: Path("batches.txt").exists())
    rest = [side(here.query, question) for question in ["what is coffee?", "what is secret?"] * 8]
    until(lambda: here.service.queue.waiting == 16)
    Path("hold").unlink()
    assert first().json["answer"] == '{"say": "tea"}'
    found = [one().json["answer"] for one in rest]
    assert found == ['{"say": "coffee"}', '{"refusal": "it is a secret"}'] * 8
    assert Path("batches.txt").read_text().split() == ["1", "16"]


def test_one_that_breaks_the_student_breaks_no_other(
    here: Any, side: Any, until: Until, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("hold").touch()
    first = side(here.query)
    until(lambda: Path("batches.txt").exists())
    bad, good = side(here.query, "break it"), side(here.query, "what is coffee?")
    until(lambda: here.service.queue.waiting == 2)
    Path("hold").unlink()
    assert (first().status, good().json["answer"]) == (200, '{"say": "coffee"}')
    assert (bad().status, bad().error["message"]) == (500, "bug in dstill: RuntimeError")
    said = capsys.readouterr().err
    assert "bug in dstill: RuntimeError at shop.py:" in said
    assert "break it" not in said


# --- what cannot be ---------------------------------------------------------------------

QUERY, CHAT = "/v1/query", "/v1/chat/completions"


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ("", 400, "invalid_json", "not strict JSON"),
        ("{", 400, "invalid_json", "not strict JSON"),
        ("[]", 400, "invalid_json", "the body must be an object, not a list"),
        ('{"question": "a", "question": "b"}', 400, "invalid_json", "duplicate key 'question'"),
        ('{"question": NaN}', 400, "invalid_json", "NaN"),
        ("[" * 50_000, 400, "invalid_json", "nested deeper"),
        (b'{"question": "\xff"}', 400, "invalid_json", "not UTF-8 (byte 0xff)"),
        ({}, 400, "missing_required_parameter", "'question' is required"),
        ({"question": 1}, 400, "invalid_type", "'question' must be text, not a number"),
        ({"question": "a", "execute": 1}, 400, "invalid_type", "'execute' must be true or false, not a number"),
        ({"question": "a", "modle": "x"}, 400, "unknown_parameter", "unknown parameter 'modle'"),
        ({"question": "a", "x" * 60_000: 1}, 400, "unknown_parameter", f"unknown parameter '{'x' * 80}';"),
        ({"question": "a", "\u202e": 1}, 400, "unknown_parameter", "unknown parameter '\\u202e';"),
        ({"question": ""}, 400, "invalid_question", "the question is empty"),
        ({"question": " \n "}, 400, "invalid_question", "the question is empty"),
        ({"question": "a" * 2001}, 400, "invalid_question", "2,001 characters (limit 2,000)"),
        ({"question": "a\0b"}, 400, "invalid_question", "control characters: a\\u0000b"),
        ({"question": "a\x1b[2Jb"}, 400, "invalid_question", "control characters: a\\u001b[2Jb"),
        ('{"question": "\\ud800"}', 400, "invalid_question", "characters that are not text"),
        ({"question": "x" * 1_000_000}, 413, "body_too_large", "larger than 65,536 bytes"),
        ({"question": "a", "model": "gpt-5"}, 404, "model_not_found", "unknown model 'gpt-5'; this server has 'tea'"),
        ({"question": "a", "index": "shoo"}, 404, "index_not_found", "Did you mean 'shop'?"),
    ],
)
def test_a_request_that_is_none(here: Any, body: Any, status: int, code: str, words: str) -> None:
    reply = here("POST", QUERY, body)
    assert (reply.status, reply.error["code"]) == (status, code)
    assert words in reply.error["message"]
    assert reply.error["type"] == "invalid_request_error"
    assert len(reply.text) < 1000
    assert not Path("batches.txt").exists()  # the student was not troubled


def test_another_content_type(here: Any) -> None:
    for path in (QUERY, CHAT):
        for given in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            reply = here("POST", path, '{"question": "a"}', content_type=given)
            assert (reply.status, reply.error["code"]) == (415, "unsupported_media_type")
    assert here("POST", QUERY, '{"question": "a"}', content_type="application/json; charset=utf-8").status == 200


def test_paths_and_methods_that_are_none(here: Any) -> None:
    assert (here("GET", "/nothing").status, here("GET", "/nothing").error["code"]) == (404, "not_found")
    assert (here("GET", QUERY).status, here("GET", QUERY).error["code"]) == (405, "method_not_allowed")
    assert here("GET", QUERY).headers["allow"] == "POST"
    assert here("POST", "/healthz", {}).status == 405
    for path in ("/../pyproject.toml", "/web/page.js", "/page.html", "/%2e%2e/command.py"):
        assert here("GET", path).status == 404


def test_a_body_in_chunks_is_measured_too(here: Any) -> None:
    def parts(count: int) -> Any:
        yield b'{"question": "'
        for _ in range(count):
            yield b"x" * 1000
        yield b'"}'

    for count, status in ((1, 200), (100, 413)):
        connection = here.connect()
        connection.request("POST", QUERY, parts(count), {"content-type": "application/json"}, encode_chunked=True)
        assert connection.getresponse().status == status
        connection.close()


def test_a_body_that_does_not_come(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_serve.request_schema.BODY_TIMEOUT", 0.2)
    with socket.create_connection(("127.0.0.1", here.port), timeout=60) as connection:
        head = f"POST {QUERY} HTTP/1.1\r\nhost: 127.0.0.1:{here.port}\r\ncontent-type: application/json\r\n"
        connection.sendall(f'{head}content-length: 50\r\n\r\n{{"qu'.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_running_where_nothing_is_run(serve_here: Callable[..., Any]) -> None:
    here = serve_here(execute=False)
    assert here.query().status == 200
    reply = here.query(execute=True)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "not_executable", "execute")
    assert here("GET", "/healthz").json["engine"] == "not used"


# --- the engine -------------------------------------------------------------------------


def test_an_engine_that_goes_away_and_comes_back(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_serve.engine.FRESH", 0.0)
    assert here("GET", "/healthz").json["engine"] == "reachable"
    Path("down").touch()
    reply = here.query(execute=True)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    error = reply.json["error"]
    assert (error["type"], error["code"]) == ("server_error", "engine_unavailable")
    assert error["message"] == "the answer was not executed because the engine is unavailable: the till is closed"
    answered = reply.json["answered"]  # nothing is lost
    assert (answered["answer"], answered["outcome"], answered["ok"]) == ('{"say": "tea"}', "unavailable", False)
    assert here.query().status == 200
    health = here("GET", "/healthz")
    assert (health.status, health.json["status"], health.json["model"]) == (200, "ok", "ready")
    assert (health.json["engine"], health.json["reason"]) == ("unreachable", "cannot reach the till")
    Path("down").unlink()
    assert here.query(execute=True).json["result"] == "tea"
    assert here("GET", "/healthz").json["engine"] == "reachable"


def test_an_index_that_is_gone(here: Any) -> None:
    Path("gone").touch()
    reply = here.query(execute=True)
    assert (reply.status, reply.json["error"]["code"]) == (503, "engine_unavailable")
    assert "no such index" in reply.json["error"]["message"]


def test_an_engine_that_takes_too_long(serve_here: Callable[..., Any]) -> None:
    here = serve_here(seconds=SHORT)
    Path("stuck").touch()
    try:
        reply = here.query(execute=True)
        assert reply.status == 503
        assert "gave no answer within" in reply.json["error"]["message"]
        assert here.query().status == 200  # the student is not held up
    finally:
        Path("stuck").unlink()  # the server's end waits for the run
    assert here.service.queue.in_progress == 0


# --- waiting ----------------------------------------------------------------------------


def test_a_full_house(serve_here: Callable[..., Any], side: Any, until: Until) -> None:
    here = serve_here(queue_size=2)
    Path("hold").touch()
    first = side(here.query)
    until(lambda: here.service.queue.in_progress == 1)
    second = side(here.query, "what is coffee?")
    until(lambda: here.service.queue.in_progress == 2)
    for ask in (here.query, here.chat):
        reply = ask()
        assert (reply.status, reply.error["code"]) == (503, "overloaded")
        assert 1 <= int(reply.headers["retry-after"]) <= 60
    Path("hold").unlink()
    assert (first().status, second().status) == (200, 200)
    until(lambda: here.service.queue.in_progress == 0)
    assert here.query().status == 200


def test_a_wait_that_is_too_long_costs_nothing(serve_here: Callable[..., Any], side: Any, until: Until) -> None:
    here = serve_here(seconds=SHORT)
    Path("hold").touch()
    first = side(here.query, "what is coffee?")
    until(lambda: Path("batches.txt").exists())
    second = here.query("what is coffee?")
    for reply in (first(), second):
        assert (reply.status, reply.error["code"]) == (504, "timeout")
    assert here.service.queue.in_progress == 1  # the first is under way; the second left the queue
    Path("hold").unlink()
    until(lambda: here.service.queue.in_progress == 0)
    assert Path("batches.txt").read_text().split() == ["1"]


def test_who_hangs_up_is_not_answered(here: Any, side: Any, until: Until) -> None:
    Path("hold").touch()
    first = side(here.query)
    until(lambda: Path("batches.txt").exists())
    gone = here.connect()
    gone.request("POST", QUERY, json.dumps({"question": "what is coffee?"}), {"content-type": "application/json"})
    until(lambda: here.service.queue.waiting == 1)
    gone.sock.close()
    gone.close()
    until(lambda: here.service.queue.waiting == 0)
    assert here.service.queue.in_progress == 1
    Path("hold").unlink()
    assert first().status == 200
    assert Path("batches.txt").read_text().split() == ["1"]
    until(lambda: 'status="499"' in here("GET", "/metrics").text)


def test_who_hangs_up_in_the_middle_of_a_body(here: Any, until: Until) -> None:
    with socket.create_connection(("127.0.0.1", here.port), timeout=60) as connection:
        head = f"POST {QUERY} HTTP/1.1\r\nhost: 127.0.0.1:{here.port}\r\ncontent-type: application/json\r\n"
        connection.sendall(f'{head}content-length: 50\r\n\r\n{{"qu'.encode())
        time.sleep(0.05)
    until(lambda: 'status="499"' in here("GET", "/metrics").text)
    assert here.query().status == 200


# --- what it says of itself -------------------------------------------------------------


def test_health_and_metrics(here: Any, until: Until) -> None:
    health = here("GET", "/healthz")
    assert health.status == 200
    assert health.json == {
        "status": "ok", "model": "ready", "engine": "reachable", "reason": "", "drift": [], "inside": 0,
    }  # fmt: skip
    for question in ("what is tea?", "what is secret?", "what is a script?"):
        here.query(question, execute=True)
    here("POST", QUERY, "{")
    # a batch is counted after its answers went out
    until(lambda: "dstill_batch_size_count 3.0" in here("GET", "/metrics").text.splitlines())
    reply = here("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    for line in (
        'dstill_requests_total{route="/v1/query",status="200"} 3.0',
        'dstill_requests_total{route="/v1/query",status="400"} 1.0',
        'dstill_answers_total{kind="ok"} 1.0',
        'dstill_answers_total{kind="refused"} 1.0',
        'dstill_answers_total{kind="invalid"} 1.0',
        'dstill_outcomes_total{outcome="ok"} 1.0',
        'dstill_batch_size_bucket{le="1.0"} 3.0',
        "dstill_requests_inside 0.0",
        "dstill_requests_room 64.0",
        "dstill_engine_reachable 1.0",
    ):
        assert line in reply.text.splitlines(), reply.text
    assert "tea" not in reply.text


def test_what_moved_since_the_student_learnt_it(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_serve.engine.FRESH", 0.0)
    assert here("GET", "/healthz").json["drift"] == []
    Path("moved").touch()
    assert here("GET", "/healthz").json["drift"] == ["fields that the student learnt are gone: say"]
    assert here("GET", "/v1/about").json["drift"] == ["fields that the student learnt are gone: say"]


def test_what_the_page_is_told(here: Any) -> None:
    about = here("GET", "/v1/about").json
    assert (about["model"], about["task"], about["executes"], about["explains"]) == ("tea", "shop", True, True)
    assert about["layers"] == [{"name": "json", "parses": True}, {"name": "guard", "parses": False}]
    assert about["data"]["shop"]["title"] == "fields of shop"
    assert ["when", "date"] in about["data"]["shop"]["fields"]
    assert {"question": "what is tea?", "data": "shop"} in about["examples"]["plain"]


def test_what_a_terminal_may_show_of_an_answer_is_inert(here: Any) -> None:
    control, question = f"what is {ENCODABLE}?", f"what is {''.join(c for c in ENCODABLE if c >= chr(0xA0))}?"
    assert not hidden(here.query(control).text)  # an error
    for reply in (here.query(question, explain=True), here.chat(question), here.chat(question, stream=True)):
        assert not hidden(reply.text)
    assert here.query(question).json["question"] == question
