"""A bundle is served as a run is, without the run's questions."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.runs.bundle import manifest_of, open_bundle
from dstill.runs.run import Run


@pytest.fixture
def held(run: Run, project: Path) -> Path:
    """The bundle of the run, which is gone."""
    folder = project / "held"
    shutil.copytree(run.folder / "student", folder / "student")
    manifest_of(run, folder, {"train.student": "clerk"}).write(folder)
    shutil.rmtree(run.folder)
    return folder


def test_answers_over_http(held: Path, run: Run, serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(open_bundle(held, plugins=run.plugins))
    reply = server.query(execute=True)
    assert (reply.status, reply.json["answer"], reply.json["outcome"]) == (200, '{"say": "tea"}', "ok")
    assert reply.json["similarity"] is None
    assert server.chat().status == 200
    about = server("GET", "/v1/about").json
    assert (about["model"], about["examples"]) == ("tea", {})
    assert server("GET", "/").status == 200
    assert server("GET", "/healthz").json["status"] == "ok"


def test_command_serves_it(held: Path, serve: Callable[..., Any]) -> None:
    served = serve(held, "--json")
    assert "loading the student 'tea'" in "".join(served.said)
    assert '"question": "how many are there?"' in "".join(served.said)
    assert served.query().status == 200
    code, out, _ = served.ended(by=signal.SIGTERM)
    assert (code, json.loads(out.splitlines()[-1])["answers"]) == (0, {"200": 1})
