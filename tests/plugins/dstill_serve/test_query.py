"""`/v1/query`: answers, execution, rationales, and an error with its status for every invalid request."""

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

WaitFor = Callable[[Callable[[], Any]], None]

SHORT = 3  # timeout in seconds for requests that must time out; a normal answer takes less


# --- answers ----------------------------------------------------------------------------


def test_returns_an_answer(server: Any) -> None:
    reply = server.query("  what is tea?  ")
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
        "confidence": None,
        "abstained": False,
        "answered_by": "student",
        "similarity": None,
        "guess": "how likely it is right is not known",
        "terms": ["say"],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
    }


def test_abstention_is_an_answer_of_its_own(calibrated: Run, serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(calibrated, max_wrong=0.1)
    given, withheld = server.query(execute=True).json, server.query("what is tea, perhaps?", execute=True).json
    assert given["confidence"] > 0.9
    assert (given["guess"], withheld["guess"]) == ("", "")
    assert (given["ok"], given["abstained"], given["outcome"]) == (True, False, "ok")
    assert withheld["confidence"] < 0.1
    assert (withheld["ok"], withheld["abstained"], withheld["answer"], withheld["value"]) == (False, True, "", None)
    assert withheld["withheld"] == '{"say": "what?"}'
    assert withheld["reason"].endswith("is below the cut for at most 10 % wrong answers")
    assert "outcome" not in withheld
    (choice,) = server.chat("what is tea, perhaps?").json["choices"]
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": withheld["reason"]}
    metrics = server("GET", "/metrics").text
    assert 'dstill_answers_total{kind="abstained"} 2.0' in metrics
    assert 'dstill_answers_total{kind="ok"} 1.0' in metrics


def test_execute_returns_the_result(server: Any) -> None:
    row = server.query(execute=True).json
    assert (row["ok"], row["outcome"], row["result"], row["shown"]) == (True, "ok", "tea", "it says tea")
    (table,) = row["tables"]
    assert table == {
        "title": "hits",
        "columns": ["n", "said"],
        "numeric": [True, False],
        "rows": [["1", "tea"]],
        "of": 1,
        "spare": 0,
    }


def test_other_answers_are_given_on_request(server: Any) -> None:
    question = "what is it, maybe?"
    assert "alternatives" not in server.query(question, execute=True).json
    assert "alternatives" not in server.query(question, alternatives=True).json  # nothing runs
    assert "alternatives" not in server.query("what is tea?", execute=True, alternatives=True).json
    (other,) = server.query(question, execute=True, alternatives=True).json["alternatives"]
    assert (other["answer"], other["shown"]) == ('{"say": "tea"}', "it says tea")
    assert other["tables"][0]["rows"] == [["1", "tea"]]


def test_layout_is_given_on_request(server: Any) -> None:
    assert not {"parts", "snippets"} & server.query("what is tea?").json.keys()
    row = server.query("what is tea?", layout=True).json
    assert row["parts"] == [["", "{"], ["key", '"say"'], ["", ": "], ["string", '"tea"'], ["", "}"]]
    assert row["snippets"][0] == ["shell", """say '{"say": "tea"}'"""]
    for question in ("what is a script?", "what is secret?"):  # refused by the guard, and by the student
        assert server.query(question, layout=True).json["snippets"] == []
    Path("down").touch()
    assert server.query("what is tea?", layout=True, execute=True).json["answered"]["snippets"]  # to run elsewhere


def test_answer_refused_by_the_engine_is_reported(server: Any) -> None:
    row = server.query("what is wrong?", execute=True).json
    assert (row["ok"], row["outcome"], row["reason"]) == (False, "invalid", "nobody says !")


def test_refused_answer_is_reported_and_not_executed(server: Any) -> None:
    reply = server.query("what is a script?", execute=True)
    row = reply.json
    assert (reply.status, row["ok"], row["reason"]) == (200, False, "refused: scripts are not allowed")
    assert [(p["layer"], p["pointer"]) for p in row["problems"]] == [("guard", "/script")]
    assert "outcome" not in row
    row = server.query("what is broken?").json
    assert (row["ok"], row["value"], row["problems"][0]["layer"]) == (False, None, "json")


def test_refusal_counts_as_an_answer(server: Any) -> None:
    reply = server.query("what is secret?", execute=True)
    assert (reply.status, reply.json["ok"], reply.json["refused"]) == (200, False, True)
    assert "outcome" not in reply.json


def test_explain_returns_the_rationale(server: Any) -> None:
    assert server.query(explain=True).json["rationale"] == "tea is a word"
    assert "rationale" not in server.query().json


def test_lone_surrogate_is_returned_as_a_json_escape(server: Any) -> None:
    reply = server.query("what is half a pair?", execute=True)
    assert reply.status == 200
    assert reply.json["value"] == {"say": "\ud800"}


def test_model_and_index_are_selected_by_name(server: Any) -> None:
    assert server.query(model="tea", index="shop").status == 200
    assert server.query(model="tea", data="shop").status == 200


def test_request_names_data_by_the_key_of_its_task() -> None:
    for body in ({"question": "a", "db": "shop"}, {"question": "a", "data": "shop"}):
        assert parse_query(body, "db").data == "shop"
        with pytest.raises(RequestError) if "db" in body else contextlib.nullcontext():
            assert parse_query(body, "index").data == "shop"
    chat = {"model": "m", "messages": [{"role": "user", "content": "a"}]}
    assert [parse_chat({**chat, key: "shop"}, "db").data for key in ("db", "data")] == ["shop", "shop"]
    with pytest.raises(RequestError, match="'index' is not supported"):
        parse_chat({**chat, "index": "shop"}, "db")


def test_model_with_several_data_needs_a_name(run: Run, serve_in_thread: Any) -> None:
    """Examples name known data, and an unknown name is refused with the known ones."""
    record = run.records("test")[0]
    more = [replace(record, id=f"cafe-{n}", question=f"of the cafe {n}", context={"index": "cafe"}) for n in range(2)]
    run.write(data_file("test"), [*run.records("test"), *more])
    server = serve_in_thread()
    about = server("GET", "/v1/about").json
    assert (list(about["data"]), about["data_noun"]) == (["shop", "cafe"], "index")
    named = {one["data"] for some in about["examples"].values() for one in some}
    assert named <= {"shop", "cafe"}
    for name in named:
        assert server.query(index=name).status == 200
    error = server.query(data="tea").error
    assert (error["code"], error["param"]) == ("index_not_found", "index")
    assert error["message"] == "unknown index 'tea'. Known: shop, cafe"


def test_concurrent_requests_form_one_batch(
    server: Any, background: Any, wait_for: WaitFor, serve_project: Path
) -> None:
    Path("hold").touch()
    first = background(server.query, "what is tea?")
    wait_for(lambda: Path("batches.txt").exists())
    rest = [background(server.query, question) for question in ["what is coffee?", "what is secret?"] * 8]
    wait_for(lambda: server.service.queue.waiting == 16)
    Path("hold").unlink()
    assert first().json["answer"] == '{"say": "tea"}'
    found = [one().json["answer"] for one in rest]
    assert found == ['{"say": "coffee"}', '{"refusal": "it is a secret"}'] * 8
    assert Path("batches.txt").read_text().split() == ["1", "16"]


def test_failing_request_does_not_affect_others(
    server: Any, background: Any, wait_for: WaitFor, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("hold").touch()
    first = background(server.query)
    wait_for(lambda: Path("batches.txt").exists())
    bad, good = background(server.query, "break it"), background(server.query, "what is coffee?")
    wait_for(lambda: server.service.queue.waiting == 2)
    Path("hold").unlink()
    assert (first().status, good().json["answer"]) == (200, '{"say": "coffee"}')
    assert (bad().status, bad().error["message"]) == (500, "bug in dstill: RuntimeError")
    said = capsys.readouterr().err
    assert "bug in dstill: RuntimeError at shop.py:" in said
    assert "break it" not in said


# --- invalid requests -------------------------------------------------------------------

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
def test_malformed_request_is_refused(server: Any, body: Any, status: int, code: str, words: str) -> None:
    reply = server("POST", QUERY, body)
    assert (reply.status, reply.error["code"]) == (status, code)
    assert words in reply.error["message"]
    assert reply.error["type"] == "invalid_request_error"
    assert len(reply.text) < 1000
    assert not Path("batches.txt").exists()  # the student was not called


def test_other_content_types_are_refused(server: Any) -> None:
    for path in (QUERY, CHAT):
        for given in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            reply = server("POST", path, '{"question": "a"}', content_type=given)
            assert (reply.status, reply.error["code"]) == (415, "unsupported_media_type")
    assert server("POST", QUERY, '{"question": "a"}', content_type="application/json; charset=utf-8").status == 200


def test_unknown_paths_and_methods_are_refused(server: Any) -> None:
    assert (server("GET", "/nothing").status, server("GET", "/nothing").error["code"]) == (404, "not_found")
    assert (server("GET", QUERY).status, server("GET", QUERY).error["code"]) == (405, "method_not_allowed")
    assert server("GET", QUERY).headers["allow"] == "POST"
    assert server("POST", "/healthz", {}).status == 405
    for path in ("/../pyproject.toml", "/web/page.js", "/page.html", "/%2e%2e/command.py"):
        assert server("GET", path).status == 404


def test_chunked_body_is_limited(server: Any) -> None:
    def parts(count: int) -> Any:
        yield b'{"question": "'
        for _ in range(count):
            yield b"x" * 1000
        yield b'"}'

    for count, status in ((1, 200), (100, 413)):
        connection = server.connect()
        connection.request("POST", QUERY, parts(count), {"content-type": "application/json"}, encode_chunked=True)
        assert connection.getresponse().status == status
        connection.close()


def test_incomplete_body_times_out(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_serve.request_schema.BODY_TIMEOUT", 0.2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST {QUERY} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/json\r\n"
        connection.sendall(f'{head}content-length: 50\r\n\r\n{{"qu'.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_execute_without_an_engine_is_refused(serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(execute=False)
    assert server.query().status == 200
    reply = server.query(execute=True)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "not_executable", "execute")
    assert server("GET", "/healthz").json["engine"] == "not used"


# --- the engine -------------------------------------------------------------------------


def test_engine_outage_is_reported_until_it_recovers(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_serve.engine.CHECK_SECONDS", 0.0)
    assert server("GET", "/healthz").json["engine"] == "reachable"
    Path("down").touch()
    reply = server.query(execute=True)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    error = reply.json["error"]
    assert (error["type"], error["code"]) == ("server_error", "engine_unavailable")
    assert error["message"] == "the answer was not executed because the engine is unavailable: the till is closed"
    answered = reply.json["answered"]  # nothing is lost
    assert (answered["answer"], answered["outcome"], answered["ok"]) == ('{"say": "tea"}', "unavailable", False)
    assert server.query().status == 200
    health = server("GET", "/healthz")
    assert (health.status, health.json["status"], health.json["model"]) == (200, "ok", "ready")
    assert (health.json["engine"], health.json["reason"]) == ("unreachable", "cannot reach the till")
    Path("down").unlink()
    assert server.query(execute=True).json["result"] == "tea"
    assert server("GET", "/healthz").json["engine"] == "reachable"


def test_missing_index_is_engine_unavailable(server: Any) -> None:
    Path("gone").touch()
    reply = server.query(execute=True)
    assert (reply.status, reply.json["error"]["code"]) == (503, "engine_unavailable")
    assert "no such index" in reply.json["error"]["message"]


def test_slow_engine_times_out(serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(seconds=SHORT)
    Path("stuck").touch()
    try:
        reply = server.query(execute=True)
        assert reply.status == 503
        assert "gave no answer within" in reply.json["error"]["message"]
        assert server.query().status == 200  # the student is not blocked
    finally:
        Path("stuck").unlink()  # the server's end waits for the run
    assert server.service.queue.in_progress == 0


# --- queue ------------------------------------------------------------------------------


def test_full_queue_is_overloaded(serve_in_thread: Callable[..., Any], background: Any, wait_for: WaitFor) -> None:
    server = serve_in_thread(queue_size=2)
    Path("hold").touch()
    first = background(server.query)
    wait_for(lambda: server.service.queue.in_progress == 1)
    second = background(server.query, "what is coffee?")
    wait_for(lambda: server.service.queue.in_progress == 2)
    for ask in (server.query, server.chat):
        reply = ask()
        assert (reply.status, reply.error["code"]) == (503, "overloaded")
        assert 1 <= int(reply.headers["retry-after"]) <= 60
    Path("hold").unlink()
    assert (first().status, second().status) == (200, 200)
    wait_for(lambda: server.service.queue.in_progress == 0)
    assert server.query().status == 200


def test_request_that_waits_too_long_is_not_run(
    serve_in_thread: Callable[..., Any], background: Any, wait_for: WaitFor
) -> None:
    server = serve_in_thread(seconds=SHORT)
    Path("hold").touch()
    first = background(server.query, "what is coffee?")
    wait_for(lambda: Path("batches.txt").exists())
    second = server.query("what is coffee?")
    for reply in (first(), second):
        assert (reply.status, reply.error["code"]) == (504, "timeout")
    assert server.service.queue.in_progress == 1  # the first one is in progress; the second left the queue
    Path("hold").unlink()
    wait_for(lambda: server.service.queue.in_progress == 0)
    assert Path("batches.txt").read_text().split() == ["1"]


def test_disconnected_client_is_not_answered(server: Any, background: Any, wait_for: WaitFor) -> None:
    Path("hold").touch()
    first = background(server.query)
    wait_for(lambda: Path("batches.txt").exists())
    gone = server.connect()
    gone.request("POST", QUERY, json.dumps({"question": "what is coffee?"}), {"content-type": "application/json"})
    wait_for(lambda: server.service.queue.waiting == 1)
    gone.sock.close()
    gone.close()
    wait_for(lambda: server.service.queue.waiting == 0)
    assert server.service.queue.in_progress == 1
    Path("hold").unlink()
    assert first().status == 200
    assert Path("batches.txt").read_text().split() == ["1"]
    wait_for(lambda: 'status="499"' in server("GET", "/metrics").text)


def test_client_may_disconnect_in_the_middle_of_a_body(server: Any, wait_for: WaitFor) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST {QUERY} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/json\r\n"
        connection.sendall(f'{head}content-length: 50\r\n\r\n{{"qu'.encode())
        time.sleep(0.05)
    wait_for(lambda: 'status="499"' in server("GET", "/metrics").text)
    assert server.query().status == 200


# --- health, metrics and about ----------------------------------------------------------


def test_health_and_metrics(server: Any, wait_for: WaitFor) -> None:
    health = server("GET", "/healthz")
    assert health.status == 200
    assert health.json == {
        "status": "ok", "model": "ready", "engine": "reachable", "reason": "", "drift": [], "inside": 0,
    }  # fmt: skip
    for question in ("what is tea?", "what is secret?", "what is a script?"):
        server.query(question, execute=True)
    server("POST", QUERY, "{")
    # a batch is counted after its answers went out
    wait_for(lambda: "dstill_batch_size_count 3.0" in server("GET", "/metrics").text.splitlines())
    reply = server("GET", "/metrics")
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


def test_data_drift_is_in_health_and_about(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_serve.engine.CHECK_SECONDS", 0.0)
    assert server("GET", "/healthz").json["drift"] == []
    Path("moved").touch()
    assert server("GET", "/healthz").json["drift"] == ["fields that the student learnt are gone: say"]
    assert server("GET", "/v1/about").json["drift"] == ["fields that the student learnt are gone: say"]


def test_about_describes_model_checks_and_data(server: Any) -> None:
    about = server("GET", "/v1/about").json
    assert (about["model"], about["task"], about["executes"], about["explains"]) == ("tea", "shop", True, True)
    assert about["layers"] == [{"name": "json", "parses": True}, {"name": "guard", "parses": False}]
    assert about["data"]["shop"]["title"] == "fields of shop"
    assert ["when", "date"] in about["data"]["shop"]["fields"]
    assert {"question": "what is tea?", "data": "shop"} in about["examples"]["plain"]
    assert "what is secret?" not in str(about["examples"])  # the data cannot answer it


def test_shown_answer_has_no_terminal_escapes(server: Any) -> None:
    control, question = f"what is {ENCODABLE}?", f"what is {''.join(c for c in ENCODABLE if c >= chr(0xA0))}?"
    assert not hidden(server.query(control).text)  # an error
    for reply in (server.query(question, explain=True), server.chat(question), server.chat(question, stream=True)):
        assert not hidden(reply.text)
    assert server.query(question).json["question"] == question
