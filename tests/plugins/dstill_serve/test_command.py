"""`dstill serve`: output, shutdown and refused arguments."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.kill.children import python_path
from support.served import ended, processes

from dstill.runs.folder import data_file
from dstill.runs.run import Run

TOKEN = "a-token-of-the-tests-0123456789"
WaitFor = Callable[[Callable[[], Any]], None]


@pytest.fixture
def command(serve_project: Path, shop_pack: Path, cli: Callable[..., Any]) -> Callable[..., Any]:
    """``command(run.folder, "--port", 80)``: for a server that does not start."""
    return lambda *words: cli("--plugin", shop_pack, "serve", *words, toy=False)


def test_prints_its_address_and_a_working_curl_command(run: Run, serve: Any) -> None:
    served = serve(run.folder, "--json")
    assert Path("batches.txt").read_text().split() == ["1"]  # it answered a first question before it was ready
    assert f"serving 'tea' at {served.address}; stop with Ctrl-C\n" in served.said
    line = served.said[-1].strip()
    assert line.startswith(f"curl {served.address}/v1/query -H 'content-type: application/json' -d ")
    if shutil.which("curl"):
        asked = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60, check=True)
        assert json.loads(asked.stdout)["shown"] == "it says tea"
    assert served.query().status == 200
    assert served("POST", "/v1/query", "{").status == 400
    code, out, err = served.ended(by=signal.SIGTERM)
    assert code == 0
    first, last = map(json.loads, out.splitlines())
    assert first == {"address": served.address, "model": "tea", "executes": True}
    assert (last["run"], last["signal"]) == (str(run.folder), "SIGTERM")
    assert last["answers"]["400"] == 1
    assert err.startswith("stopped by SIGTERM after ")
    assert [(row["route"], row["status"]) for row in served.log][-2:] == [("/v1/query", 200), ("/v1/query", 400)]


def test_printed_curl_command_names_known_data(run: Run, serve: Any) -> None:
    first, *others = run.records("test")
    run.write(data_file("test"), [replace(first, context={"index": "cafe"}), *others])
    assert '"index": "cafe"' in serve(run.folder).said[-1]


def test_data_drift_is_reported_at_the_start(run: Run, serve: Any) -> None:
    Path("moved").touch()
    served = serve(run.folder)
    assert "warning: fields that the student learnt are gone: say\n" in served.said


def test_no_request_is_answered_before_a_first_answer_was_computed(
    run: Run, shop_pack: Path, wait_for: WaitFor
) -> None:
    Path("hold").touch()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--plugin", str(shop_pack), "serve", str(run.folder), "--port", str(port)]
    with processes() as start:
        process, _ = start(
            ["-m", "dstill", *words],
            until="answering a first question",
            env={**os.environ, "PYTHONPATH": python_path()},
        )
        wait_for(lambda: Path("batches.txt").exists())
        with socket.create_connection(("127.0.0.1", port), timeout=0.3) as early:
            early.sendall(f"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode())
            with pytest.raises(TimeoutError):
                early.recv(1)
            Path("hold").unlink()
            early.settimeout(60)
            assert early.recv(12) == b"HTTP/1.1 200"
        assert ended(process, by=signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_requests_in_progress_finish_before_it_stops(
    run: Run, serve: Any, background: Any, wait_for: WaitFor, number: signal.Signals
) -> None:
    served = serve(run.folder)
    Path("batches.txt").unlink()  # of the first answer, before it was ready
    Path("hold").touch()
    asked = background(served.query)
    wait_for(lambda: Path("batches.txt").exists())
    served.process.send_signal(number)
    wait_for(lambda: _refused(served.port))  # no new connection
    Path("hold").unlink()
    assert asked().json["answer"] == '{"say": "tea"}'
    code, out, err = served.ended()
    assert (code, out) == (0, "")
    assert err.startswith(f"stopped by {number.name} after ")
    assert "replies by status: 1 × 200" in err


def test_second_ctrl_c_stops_at_once(run: Run, serve: Any, background: Any, wait_for: WaitFor) -> None:
    served = serve(run.folder)
    Path("batches.txt").unlink()  # of the first answer, before it was ready
    Path("hold").touch()
    asked = background(served.query)
    wait_for(lambda: Path("batches.txt").exists())
    served.process.send_signal(signal.SIGINT)
    wait_for(lambda: _refused(served.port))
    served.process.send_signal(signal.SIGINT)
    reply = asked()  # every request has an answer
    assert (reply.status, reply.error["code"]) == (503, "stopping")
    Path("hold").unlink()
    code, _, err = served.ended()
    assert code == 130
    assert err.splitlines()[0] == "error: stopped immediately; requests in progress were dropped"


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_token_of_the_environment_is_required_and_never_printed(
    run: Run, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    served = serve(run.folder, "--host", "0.0.0.0", "--token-env", "SHOP_TOKEN")
    assert '-H "Authorization: Bearer $SHOP_TOKEN"' in served.said[-1]
    assert served.query().status == 401
    served.headers = {"authorization": f"Bearer {TOKEN}"}
    assert served.query().status == 200
    code, out, err = served.ended(by=signal.SIGTERM)
    assert code == 0
    assert TOKEN not in out + err + "".join(served.said)


# --- refused arguments ------------------------------------------------------------------


def test_port_in_use_is_refused(run: Run, command: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command(run.folder, "--port", port)
    assert ended.code == 2
    assert ended.err.splitlines() == [
        f"error: port {port} is taken",
        "where: --port",
        "hint: choose another port, or 0 for any free one",
    ]


@pytest.mark.parametrize("share", [0, 1])
def test_share_that_promises_nothing_is_refused(run: Run, command: Any, share: int) -> None:
    ended = command(run.folder, "--port", 0, "--max-wrong", share)
    assert (ended.code, ended.out) == (2, "")
    assert f"error: {share} promises nothing\nwhere: --max-wrong\n" in ended.err


def test_localhost_is_accepted(run: Run, serve: Any) -> None:
    served = serve(run.folder, "--host", "localhost")
    assert served.address.startswith("http://127.0.0.1:")
    assert served.query().status == 200


def test_public_address_without_a_token_is_refused(run: Run, command: Any) -> None:
    ended = command(run.folder, "--host", "0.0.0.0", "--port", 0)
    assert ended.code == 2
    assert ended.err.splitlines()[0] == "error: other machines can reach 0.0.0.0, but no token is set"


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_address_of_another_machine_is_refused(run: Run, command: Any, host: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    ended = command(run.folder, "--host", host, "--port", 0, "--token-env", "SHOP_TOKEN")
    assert ended.code == 2
    assert ended.err.splitlines()[:2] == [f"error: '{host}' is not an address of this machine", "where: --host"]


def test_missing_token_variable_is_refused(run: Run, command: Any) -> None:
    ended = command(run.folder, "--token-env", "SHOP_TOKEN")
    assert ended.code == 2
    assert "environment variable SHOP_TOKEN is not set; `dstill serve` needs it" in ended.err


def test_run_without_a_student_is_refused(run: Run, command: Any) -> None:
    shutil.rmtree(run.folder / "student")
    ended = command(run.folder, "--port", 0)
    assert ended.code == 5
    assert "error: run 'tea' has no student yet" in ended.err
    assert f"dstill train {run.folder}" in ended.err


def test_unreachable_engine_is_reported(run: Run, command: Any) -> None:
    Path("down").touch()
    ended = command(run.folder, "--port", 0)
    assert ended.code == 7
    assert ended.err.splitlines()[-3:] == [
        "error: cannot reach the till",
        "where: till",
        "hint: open it; or do not execute answers: --no-execute",
    ]


def test_unknown_run_is_refused(command: Any) -> None:
    assert command("nowhere").code == 2


def test_missing_libraries_name_the_extra(run: Run, command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill.runtime.http.find_spec", lambda name: None)
    ended = command(run.folder)
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "error: `dstill serve` needs the extra 'serve' (starlette is not installed)",
        "hint: pip install 'dstill[serve]'",
    ]


@pytest.mark.parametrize("words", [("--queue", "0"), ("--max-batch", "x"), ("--timeout", "0"), ("--port", "70000")])
def test_invalid_limits_are_refused(run: Run, command: Any, words: tuple[str, str]) -> None:
    ended = command(run.folder, *words)
    assert ended.code == 2
    assert words[0] in ended.err
