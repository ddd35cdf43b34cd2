"""`/v1/check` and `/v1/feedback`: what is stored, what is refused, and several processes that write one file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.errors import DstillError
from dstill.inputs import feedback
from dstill.inputs.feedback import Feedback
from dstill_serve.feedback import FeedbackLog

TEA = {"question": "what is tea?", "answer": '{"say": "tea"}'}
TOKEN = "a-token-of-the-tests-0123456789"


@pytest.fixture
def file(project: Path) -> Path:
    return project / "feedback.jsonl"


@pytest.fixture
def server(serve_in_thread: Callable[..., Any], file: Path) -> Any:
    return serve_in_thread(feedback=file)


def send(server: Any, **more: Any) -> Any:
    return server("POST", "/v1/feedback", {**TEA, **more})


# --- what is stored ---------------------------------------------------------------------


def test_feedback_is_a_line_each(server: Any, file: Path) -> None:
    first = send(server, verdict="right", index="shop", model="tea")
    assert first.status == 200
    send(server, verdict="wrong")
    send(server, verdict="wrong", correction='{\n "say": "green tea"\n}')
    right, wrong, corrected = feedback.read(file)
    assert right == Feedback(
        id=first.json["id"],
        when=right.when,
        model="tea",
        question="what is tea?",
        answer=TEA["answer"],
        verdict="right",
        data="shop",
    )
    assert (right.gold, wrong.gold, corrected.gold) == (TEA["answer"], None, '{\n "say": "green tea"\n}')
    assert file.read_text().count("\n") == 3
    metrics = server("GET", "/metrics").text
    assert 'dstill_feedback_total{verdict="wrong"} 2.0' in metrics
    assert "tea?" not in metrics


def test_no_feedback_is_taken_unless_asked(serve_in_thread: Callable[..., Any], project: Path) -> None:
    server = serve_in_thread()
    before = {path.name for path in project.iterdir()}
    reply = send(server, verdict="right")
    assert (reply.status, reply.error["code"]) == (404, "feedback_off")
    assert server("GET", "/v1/about").json["feedback"] is False
    assert {path.name for path in project.iterdir()} == before


def test_processes_append_to_one_file(server: Any, file: Path) -> None:
    """Every line is whole, although half a line was there when they began."""
    file.write_text('{"id": "half a l')
    writer = (
        "import sys; from pathlib import Path; from dstill.inputs import feedback as f\n"
        "for n in range(30): f.append(Path(sys.argv[1]), f.Feedback(id=f'{sys.argv[2]}-{n}', when='2026', model='m', "
        "question='q' * 5000, answer='', verdict='wrong'))"
    )
    others = [subprocess.Popen([sys.executable, "-c", writer, str(file), name]) for name in "ab"]
    sent = [send(server, verdict="wrong").json["id"] for _ in range(30)]
    assert [other.wait(60) for other in others] == [0, 0]
    ids = [one.id for one in feedback.read(file)]
    assert sorted(ids) == sorted([*sent, *(f"{name}-{n}" for name in "ab" for n in range(30))])


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"verdict": "maybe"}, 400, "invalid_value", "verdict"),
        ({}, 400, "missing_required_parameter", "verdict"),
        ({"verdict": "wrong", "answer": None}, 400, "missing_required_parameter", "answer"),
        ({"verdict": "wrong", "correction": 3}, 400, "invalid_type", "correction"),
        ({"verdict": "right", "correction": "{}"}, 400, "invalid_value", "correction"),
        ({"verdict": "wrong", "who": "me"}, 400, "unknown_parameter", "who"),
        ({"verdict": "wrong", "question": " "}, 400, "invalid_question", "question"),
        ({"verdict": "wrong", "question": "x" * 2001}, 400, "invalid_question", "question"),
        ({"verdict": "wrong", "question": "a\0b"}, 400, "invalid_question", "question"),
        ({"verdict": "wrong", "index": "nowhere"}, 404, "index_not_found", "index"),
        ({"verdict": "wrong", "model": "other"}, 404, "model_not_found", "model"),
        ({"verdict": "wrong", "correction": '{"script": "x"}'}, 422, "invalid_answer", "correction"),
        ({"verdict": "wrong", "correction": '{"say": '}, 422, "invalid_answer", "correction"),
        ({"verdict": "wrong", "correction": ""}, 422, "invalid_answer", "correction"),
        ({"verdict": "right", "answer": '{"script": "x"}'}, 422, "invalid_answer", "answer"),
        ({"verdict": "wrong", "correction": '{"say": "https://me:pw@shop"}'}, 400, "looks_secret", "correction"),
        ({"verdict": "wrong", "correction": "x" * 70_000}, 413, "body_too_large", None),
    ],
)
def test_bad_feedback_is_refused_and_not_stored(
    server: Any, file: Path, body: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    reply = send(server, **body)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (status, code, param)
    assert file.read_text() == ""


def test_refused_correction_comes_with_its_problems(server: Any) -> None:
    reply = send(server, verdict="wrong", correction='{"script": "x"}')
    assert [(one["layer"], one["pointer"]) for one in reply.json["problems"]] == [("guard", "/script")]
    assert "scripts are not allowed" in reply.json["error"]["message"]


def test_other_sites_and_strangers_are_refused(serve_in_thread: Callable[..., Any], file: Path) -> None:
    open_server = serve_in_thread(feedback=file)
    assert open_server("POST", "/v1/feedback", TEA, origin="http://evil.example").error["code"] == "wrong_origin"
    assert open_server("POST", "/v1/feedback", TEA, host="evil.example").error["code"] == "wrong_host"
    assert open_server("POST", "/v1/feedback", "verdict=right", content_type="text/plain").status == 415
    guarded = serve_in_thread(feedback=file, token=TOKEN)
    assert send(guarded, verdict="right").status == 401
    assert guarded("POST", "/v1/check", TEA).status == 401
    guarded.headers["authorization"] = f"Bearer {TOKEN}"
    assert file.read_text() == ""
    assert send(guarded, verdict="right").status == 200


def test_full_file_takes_no_more(server: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    send(server, verdict="right")
    monkeypatch.setattr(feedback, "MAX_FILE", file.stat().st_size + 10)
    before = file.read_text()
    reply = send(server, verdict="right")
    assert (reply.status, reply.error["code"]) == (507, "feedback_full")
    assert file.read_text() == before


def test_file_that_cannot_be_written_is_refused_at_the_start(project: Path) -> None:
    (project / "folder").mkdir()
    (project / "link").symlink_to("elsewhere")
    for name in ("folder", "link", "nowhere/feedback.jsonl"):
        with pytest.raises(DstillError):
            FeedbackLog(project / name)
    assert not (project / "elsewhere").exists()


# --- checks -----------------------------------------------------------------------------


def test_check_says_what_the_checks_find(server: Any) -> None:
    assert server("POST", "/v1/check", TEA).json == {"ok": True, "problems": []}
    found = server("POST", "/v1/check", {**TEA, "answer": '{"script": "x"}'}).json
    assert (found["ok"], found["problems"][0]["layer"]) == (False, "guard")
    assert server("POST", "/v1/check", {"question": "what is tea?"}).error["param"] == "answer"


def test_command_offers_feedback(serve: Callable[..., Any], run: Any, file: Path) -> None:
    served = serve(run.folder, "--feedback", file)
    assert served("GET", "/v1/about").json["feedback"] is True
    assert send(served, verdict="right").status == 200
    assert json.loads(file.read_text())["verdict"] == "right"
