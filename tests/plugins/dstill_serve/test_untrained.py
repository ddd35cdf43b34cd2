"""A page for data that no student was trained on: `dstill ask --page`, and `dstill serve` without a run."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kill.children import python_path
from support.served import Client, ended, processes

ENGINE = ("--engine-url", "http://abacus:20", "--set", "engine.name=abacus", "--set", "train.objective=plain")
PAGE = ("ask", *ENGINE, "--student", "memory:base", "--page")


@pytest.fixture
def start(serve_project: Path, toy_file: Path) -> Iterator[Callable[..., Any]]:
    """``start("ask", "--page")`` gives the process, what it said, and a client, beside a trained ``base``."""
    folder = serve_project / "base"
    folder.mkdir()
    known = {"1 2 add and predict:": "1+2"}
    (folder / "pairs.json").write_text(json.dumps(known))
    with processes() as starting:

        def called(*words: str) -> Any:
            call = ["-m", "dstill", "--plugin", str(toy_file), *words]
            environment = {**os.environ, "PYTHONPATH": python_path()}
            process, said = starting(call, until="curl ", cwd=serve_project, env=environment)
            return process, said, Client(int(said[-1].split("/")[2].rpartition(":")[2]))

        yield called


@pytest.mark.parametrize("words", [PAGE, ("serve", *ENGINE, "--port", "0", "memory:base")], ids=["ask", "serve"])
def test_student_of_others_is_asked_on_a_page(start: Callable[..., Any], words: tuple[str, ...]) -> None:
    process, said, client = start(*words)
    assert said[0] == "20 numbers\n"
    about = client("GET", "/v1/about").json
    assert about["notes"][:2] == [
        "20 numbers",
        "this student was not trained on this data set: half of its differences are wrong",
    ]
    assert about["notes"][2].startswith("to train it on this data set: dstill adapt ")
    body = {"question": "add 1 and 2", "execute": True}
    answered = client("POST", "/v1/query", body).json
    assert (answered["answer"], answered["result"]) == ("1+2", 3)
    assert "<h1" in client("GET", "/").text
    assert ended(process, by=signal.SIGTERM)[0] == 0
    assert [path.name for path in Path(".").iterdir()] == ["base"]  # no project, no run


def test_page_takes_no_question(cli: Callable[..., Any], serve_project: Path) -> None:
    refused = cli(*PAGE, "add 1 and 2")
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: --page takes no QUESTION")


def test_page_is_of_a_plugin(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    missing = cli(*PAGE)
    assert missing.code == 2
    assert missing.err.splitlines() == [
        "error: no plugin has the page",
        "where: --page",
        "hint: pip install 'dstill[serve]'",
    ]


def test_serve_needs_a_run_or_an_address(cli: Callable[..., Any], serve_project: Path) -> None:
    refused = cli("serve")
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: `dstill serve` needs the address of your data")
