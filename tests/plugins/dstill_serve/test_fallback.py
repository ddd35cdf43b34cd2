"""A server whose student has a large model behind it: who answers, who waits for whom, and what is paid."""

from __future__ import annotations

import json
import logging
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.loopback_collector import LoopbackCollector
from support.loopback_teacher import LoopbackTeacher, answer, error

from dstill import plugins
from dstill.runs.run import Run
from dstill.teacher.cache import ReplyStore
from dstill_serve.tracing import traces_of

MODEL = "openai:big"
UNSURE = "what is tea, perhaps?"  # the clerk is not sure of its answer
SAID = "<rationale>large models know tea</rationale><answer>{}</answer>"


@pytest.fixture
def model() -> Iterator[LoopbackTeacher]:
    with LoopbackTeacher(reply=lambda _: SAID.format('{"say": "large tea"}')) as found:
        yield found


@pytest.fixture
def cascade(
    calibrated: Run,
    model: LoopbackTeacher,
    shop_pack: Path,
    serve_in_thread: Callable[..., Any],
    enable: Callable[..., None],
) -> Callable[..., Any]:
    """``cascade(seconds=2)``: a server of the calibrated run, with the model behind it."""
    enable("openai")

    def start(flags: dict[str, Any] | None = None, **more: Any) -> Any:
        settings = {
            "teacher.openai.base_url": model.base_url,
            "teacher.openai.api_key_env": "",
            "teacher.openai.max_retries": 0,
            "teacher.openai.prices": {"big": [100.0, 200.0]},  # 10 + 5 tokens a reply: 0.2 cents
            **(flags or {}),
        }
        loaded = plugins.load([shop_pack])
        run = Run.open(calibrated.folder, plugins=loaded, flags=settings, trusted=True)
        return serve_in_thread(run, max_wrong=0.1, fallback=MODEL, **more)

    return start


def test_model_answers_in_the_place_of_an_abstention(cascade: Callable[..., Any], model: LoopbackTeacher) -> None:
    server = cascade()
    own, large = server.query(execute=True).json, server.query(UNSURE, execute=True, explain=True).json
    assert (own["answered_by"], own["answer"], "withheld" in own) == ("student", '{"say": "tea"}', False)
    assert (large["answered_by"], large["answer"], large["result"]) == (MODEL, '{"say": "large tea"}', "large tea")
    assert (large["ok"], large["abstained"], large["confidence"], large["usage"]) == (True, False, None, None)
    assert (large["withheld"], large["rationale"]) == ('{"say": "what?"}', "large models know tea")
    (choice,) = server.chat(UNSURE).json["choices"]
    assert choice["message"]["content"] == '{"say": "large tea"}'
    assert len(model.requests) == 1  # the second reply came from the store
    metrics = server("GET", "/metrics").text
    assert 'dstill_fallback_total{result="answered"} 2.0' in metrics
    assert "dstill_fallback_usd 0.002" in metrics
    assert 'dstill_answers_total{kind="ok"} 3.0' in metrics


def test_model_has_a_span_of_its_own(cascade: Callable[..., Any], wait_for: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")  # ms
    with LoopbackCollector() as collector, traces_of(collector.url, environment={}) as traces:
        assert cascade(traces=traces).query(UNSURE, execute=True).json["answered_by"] == MODEL
        wait_for(lambda: len(collector.spans) == 8)
    whole, *spans = collector.spans
    assert (whole.name, whole.attributes["dstill.answered_by"]) == ("POST /v1/query", MODEL)
    parts = [("answer", "write"), ("answer", "check"), (whole.name, "fallback"), ("fallback", "check")]
    assert [(span.parent, span.name) for span in spans[2:]] == [*parts, (whole.name, "execute")]


@pytest.mark.parametrize(("said", "layer"), [('{"script": "x"}', "guard"), ("tea", "json")])
def test_guard_refuses_what_the_model_writes(
    cascade: Callable[..., Any], model: LoopbackTeacher, said: str, layer: str
) -> None:
    model.refuse = lambda body: answer(SAID.format(said))
    server = cascade()
    row = server.query(UNSURE, execute=True).json
    assert (row["ok"], row["abstained"], row["answered_by"]) == (False, False, MODEL)
    assert "outcome" not in row
    assert [problem["layer"] for problem in row["problems"]] == [layer]
    chat = server.chat(UNSURE)
    assert (chat.status, chat.error["code"]) == (422, "invalid_answer")
    assert f"the answer of {MODEL} is invalid: " in chat.error["message"]


def test_answer_that_the_guard_refuses_goes_to_the_model(cascade: Callable[..., Any], model: LoopbackTeacher) -> None:
    row = cascade().query("what is a script?").json
    assert (row["answered_by"], row["ok"], row["withheld"]) == (MODEL, True, '{"script": "x"}')


def test_other_questions_pass_those_that_wait_for_the_model(
    cascade: Callable[..., Any], model: LoopbackTeacher, background: Any, wait_for: Any
) -> None:
    """Questions that the student answers pass those that wait; these abstain when their time is over."""
    model.delay = 30.0
    server = cascade(seconds=2)
    waiting = [background(server.query, f"what is tea {n}, perhaps?") for n in range(3)]
    wait_for(lambda: len(model.requests) == 3)
    assert [server.query().json["ok"] for _ in range(5)] == [True] * 5
    assert len(model.requests) == 3
    for one in waiting:
        row = one().json
        assert (row["abstained"], row["answer"], row["withheld"]) == (True, "", '{"say": "what?"}')
        assert re.search(rf"; {MODEL} gave no answer: not within [\d.]+ s$", row["reason"])
    assert 'dstill_fallback_total{result="unanswered"} 3.0' in server("GET", "/metrics").text
    assert server.service.queue.in_progress == 0


def test_disconnected_client_loses_its_turn_and_a_sent_request_is_stored(
    cascade: Callable[..., Any], model: LoopbackTeacher, wait_for: Any
) -> None:
    model.delay = 0.5
    server = cascade({"generate.concurrency": 1})
    connections = [server.connect() for _ in range(2)]
    for n, connection in enumerate(connections):
        body = json.dumps({"question": f"what is tea {n}, perhaps?"})
        connection.request("POST", "/v1/query", body, {"content-type": "application/json"})
        wait_for(lambda n=n: server.service.queue.in_progress == n + 1)
    wait_for(lambda: model.requests)
    for connection in connections:
        connection.close()
    wait_for(lambda: server.service.queue.in_progress == 0)
    with ReplyStore(Path("replies.sqlite")) as store:
        wait_for(lambda: len(store) == 1)
    assert server.query("what is tea 0, perhaps?").json["answered_by"] == MODEL
    assert len(model.requests) == 1


def test_spent_budget_is_reported_once_and_the_student_goes_on(
    cascade: Callable[..., Any], model: LoopbackTeacher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="dstill")
    short = {"teacher.openai.max_tokens": 10, "evaluate.shots": 0, "evaluate.max_tokens": 1_000}
    server = cascade(short)
    asked = [server.query(f"what is tea {n}, perhaps?").json for n in range(100)]
    bought = [row for row in asked if row["answered_by"] == MODEL]
    spent = asked[len(bought) :]
    assert 0 < len(bought) == len(model.requests) < 100
    assert all(row["abstained"] for row in spent)
    assert {row["reason"].partition("; ")[2] for row in spent} == {
        f"{MODEL} gave no answer: budget of 1,000 tokens reached"
    }
    said = {(record.getMessage(), getattr(record, "once", False)) for record in caplog.records}
    what = f"{MODEL} does not answer: budget of 1,000 tokens reached: --max-total-tokens raises it"
    assert said == {(what, True)}  # the console shows such a message once
    assert server.query().json["ok"]
    assert server.query("what is tea 0, perhaps?").json["answered_by"] == MODEL  # it is paid already


def test_service_that_refuses_the_key_is_not_asked_for_a_minute(
    cascade: Callable[..., Any], model: LoopbackTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.refuse = lambda body: error(401, "no such key")
    server = cascade()
    for n in range(3):
        row = server.query(f"what is tea {n}, perhaps?").json
        assert (row["abstained"], row["answered_by"]) == (True, "student")
    assert len(model.requests) == 1
    model.refuse = lambda body: None
    monkeypatch.setattr(server.service.student.predictor.fallback, "_rests_until", 0.0)  # a minute later
    assert server.query(UNSURE).json["answered_by"] == MODEL


def test_command_serves_both(calibrated: Run, model: LoopbackTeacher, serve: Any, enable: Callable[..., None]) -> None:
    enable("openai")
    values = (f"base_url={model.base_url}", "api_key_env=", "max_retries=0")
    settings = [word for value in values for word in ("--set", f"teacher.openai.{value}")]
    served = serve(calibrated.folder, "--max-wrong", "0.1", "--fallback", MODEL, *settings)
    said = "".join(served.said)
    assert "note: at most 10 % of the given answers are wrong" in said
    assert f"note: {MODEL} answers the other questions; nothing is promised of its answers\n" in said
    assert f"note: nothing limits what {MODEL} costs: --max-usd and --max-total-tokens do\n" in said
    assert served.query(UNSURE).json["answered_by"] == MODEL
    model.refuse = lambda body: error(503, "come back later")
    assert all(served.query(f"what is tea {n}, perhaps?").json["abstained"] for n in range(3))
    code, _, err = served.ended(by=signal.SIGTERM)
    assert code == 0
    assert err.count(f"warning: {MODEL} does not answer: ") == 1
    assert "stopped by SIGTERM" in err
