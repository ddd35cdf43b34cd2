"""`dstill ui` as a person starts it, and the arguments that it refuses."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.kill.children import python_path
from support.served import ended, processes


def test_command_serves_until_it_is_stopped(runs: Path, root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": python_path(), "TEAM": "a-token-of-the-tests-0123456789"}
    words = ["-m", "dstill", "--plugin", str(root / "tests" / "support" / "shop.py"), "ui", "--port", "0", "--json"]
    with processes() as start:
        process, said = start([*words, "--token-env", "TEAM"], until="open ", cwd=runs.parent, env=environment)
        assert said[-2] == "serving the runs in runs; stop with Ctrl-C\n"
        port = int(said[-1].rstrip("/\n").rpartition(":")[2])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/", headers={"authorization": f"Bearer {environment['TEAM']}"})
            assert "<h2>tea</h2>" in connection.getresponse().read().decode()
        code, out, err = ended(process, by=signal.SIGTERM)
    assert code == 0
    line, stopped = err.splitlines()
    assert (json.loads(line)["route"], stopped) == ("/", "stopped by SIGTERM")
    assert json.loads(out) == {"address": f"http://127.0.0.1:{port}", "runs": "runs"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--runs", "nowhere"], "no folder nowhere"),
        (["--feedback", "nowhere"], "no folder nowhere"),
        (["--host", "0.0.0.0", "--port", "0"], "other machines can reach 0.0.0.0, but no token is set"),
        (["--token-env", "NO_SUCH_TOKEN"], "environment variable NO_SUCH_TOKEN is not set; `dstill ui` needs it"),
    ],
)
def test_wrong_arguments_are_refused(runs: Path, cli: Callable[..., Any], words: list[str], what: str) -> None:
    reply = cli("ui", *words, toy=False)
    assert (reply.code, reply.err.splitlines()[0]) == (2, f"error: {what}")


def test_missing_libraries_name_the_extra(runs: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill.runtime.http.find_spec", lambda name: None if name == "jinja2" else name)
    reply = cli("ui", toy=False)
    assert reply.err.splitlines() == [
        "error: `dstill ui` needs the extra 'ui' (jinja2 is not installed)",
        "hint: pip install 'dstill[ui]'",
    ]
