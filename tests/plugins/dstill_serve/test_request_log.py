"""The request log: a line of JSON for each request, without what questions and answers say."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dstill.errors import DstillError
from dstill.runs.run import Run
from dstill_serve.observed import Observed, RequestLog

WaitFor = Callable[[Callable[[], Any]], None]
LOG = Path("requests.jsonl")
UNSURE = "what is tea, perhaps?"


@pytest.fixture
def lines(wait_for: WaitFor) -> Callable[[int], list[dict[str, Any]]]:
    """``lines(3)``: the first three lines, which are written after the replies were sent."""

    def read(count: int) -> list[dict[str, Any]]:
        wait_for(lambda: len(LOG.read_text().splitlines()) >= count)
        return [json.loads(line) for line in LOG.read_text().splitlines()]

    return read


def test_request_has_a_line_without_texts(
    calibrated: Run, serve_in_thread: Callable[..., Any], lines: Callable[[int], list[dict[str, Any]]]
) -> None:
    server = serve_in_thread(calibrated, max_wrong=0.1, log=RequestLog(LOG))
    asked = ("what is tea?", UNSURE, "what is a script?", "what is secret?", "what is wrong?")
    for question in asked:
        server.query(question, execute=True)
    server.chat("what is coffee?")
    server("POST", "/v1/query", {"question": "tea\0"})
    server("GET", "/healthz?who=tea")
    server("GET", "/tea")
    rows = lines(9)
    for row in rows:
        assert abs((datetime.now(UTC) - datetime.fromisoformat(row.pop("time"))).total_seconds()) < 60
        assert 0 < row.pop("ms") < 60_000
    post = {"method": "POST", "route": "/v1/query", "status": 200}
    given = [{**post, "question_chars": len(question), "answered_by": "student"} for question in asked]
    confident, unsure = (calibrated.calibration().confidence(score) for score in (-0.1, -3.0))  # type: ignore[union-attr]
    ends = [("ok", confident), ("abstained", unsure), ("invalid", None), ("refused", confident), ("invalid", confident)]
    assert rows[:5] == [
        {**row, "outcome": outcome, "confidence": share and round(share, 4)}
        for row, (outcome, share) in zip(given, ends, strict=True)
    ]
    assert (rows[5]["route"], rows[5]["outcome"]) == ("/v1/chat/completions", "ok")
    assert rows[6] == {**post, "status": 400, "error": "invalid_question"}
    assert rows[7] == {"method": "GET", "route": "/healthz", "status": 200}
    assert rows[8] == {"method": "GET", "route": "other", "status": 404, "error": "not_found"}
    assert "tea" not in LOG.read_text()


def test_texts_are_logged_where_asked(
    serve_in_thread: Callable[..., Any], lines: Callable[[int], list[dict[str, Any]]]
) -> None:
    server = serve_in_thread(log=RequestLog(LOG, texts=True))
    server.query("what is tea?")
    server.query("what is the key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789?")
    first, second = lines(2)
    assert (first["question"], first["answer"], first["question_chars"]) == ("what is tea?", '{"say": "tea"}', 12)
    assert "abcdefghijkl" not in second["question"]


def test_request_that_failed_has_a_line(
    serve_in_thread: Callable[..., Any], lines: Callable[[int], list[dict[str, Any]]]
) -> None:
    server = serve_in_thread(log=RequestLog(LOG), queue_size=1, seconds=0.3)
    Path("hold").touch()
    assert server.query().status == 504
    assert server.query().status == 503  # the first one is still being answered
    Path("hold").unlink()
    late, full = lines(2)
    assert (late["status"], late["error"], late["question_chars"]) == (504, "timeout", 12)
    assert (full["status"], full["error"], "outcome" in full) == (503, "overloaded", False)


def test_log_goes_on_in_a_new_file_after_a_rotation(project: Path) -> None:
    log, seen = RequestLog(LOG), Observed(method="GET", route="/metrics", status=200)
    log.write(seen)
    LOG.rename("requests.1")
    log.write(seen)
    log.close()
    assert len(LOG.read_text().splitlines()) == len(Path("requests.1").read_text().splitlines()) == 1


def test_log_that_cannot_be_written_is_reported(
    capsys: pytest.CaptureFixture[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DstillError, match="nowhere"):
        RequestLog(project / "nowhere" / "requests.jsonl")
    log, seen = RequestLog(Path("/dev/full")), Observed(method="GET", route="/metrics", status=200)
    log.write(seen)
    log.write(seen)
    with contextlib.suppress(OSError):  # what was not written is flushed again
        log.close()
    said = capsys.readouterr().err
    assert said.count("warning: the request log cannot be written: ") == 1
    assert "Traceback" not in said


def test_command_logs_to_a_file(run: Run, serve: Any) -> None:
    served = serve(run.folder, "--request-log", LOG, "--log-questions")
    assert served.query().status == 200
    code, out, _ = served.ended(by=signal.SIGTERM)
    assert (code, out, served.log) == (0, "", [])
    (row,) = (json.loads(line) for line in LOG.read_text().splitlines())
    assert (row["route"], row["status"], row["question"]) == ("/v1/query", 200, "what is tea?")
