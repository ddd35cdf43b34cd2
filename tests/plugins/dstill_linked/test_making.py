"""`dstill pack base`: a base for a pack that declares no more than a form which makes questions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.endless_sums import EndlessForm
from support.sums_form import SumsForm

from dstill_linked.making.curve import write_curve
from dstill_linked.saving import read_facts, read_model

Cli = Callable[..., Any]
SUPPORT = Path(__file__).parents[2] / "support"
SUMS = SUPPORT / "endless_sums.py"
LOADED = ("--plugin", SUMS, "pack", "base")


@pytest.fixture(autouse=True)
def linked(project: Path, enable: Callable[..., None]) -> None:
    """The plugin that has the command."""
    enable("linked")


def state(folder: str = "build/base/sums") -> Any:
    return json.loads(Path(folder, "state.json").read_text())


@pytest.mark.slow
def test_a_base_is_made_and_goes_on_after_a_stop(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT.parent))
    call = [sys.executable, "-m", "dstill", *map(str, LOADED), "sums", "--hours", "1", "--processes", "2"]
    with subprocess.Popen(call, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if " rows, loss" in line)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: also to the processes that train
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "everything is saved" in rest
    stopped = state()
    assert stopped["steps"] > 0
    ended = cli(
        *LOADED, "sums", "--hours", "0.0005", "--decay", str((stopped["seconds"] + 8) / 3600), "--json", toy=False
    )
    assert ended.code == 0, ended.err
    row = json.loads(ended.out.splitlines()[-1])
    assert row["rows"] > stopped["rows"]
    assert 0 <= row["exact"] <= 1
    base = Path(row["base"])
    read_model(base, EndlessForm())
    assert "sha256 " + read_facts(base).sha256 in (base / "README.md").read_text()
    assert (base / "curve.svg").read_text().startswith("<svg")
    again = cli(*LOADED, "sums", "--out", "more", "--hours", "0.0005", "--decay", "0.001", "--start", base, toy=False)
    assert again.code == 0, again.err
    assert Path("more/start/linked.json").is_file()


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        (("sum",), 2, "Did you mean 'sums'"),
        (("sums", "--start", "base:sqll"), 2, "no task has a base 'sqll'"),
        (("sums", "--start", "nowhere"), 2, "there is no student in nowhere"),
        (("sums", "--hours", "-1"), 2, "not in the range"),
    ],
)
def test_wrong_arguments_are_named(cli: Cli, words: tuple[str, ...], code: int, shown: str) -> None:
    ended = cli(*LOADED, *words, toy=False)
    assert (ended.code, ended.out) == (code, "")
    assert shown in ended.err
    assert not Path("build").exists()


def test_a_form_that_makes_no_questions_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = cli("--plugin", SUPPORT / "sums_form.py", "pack", "base", "columns", toy=False)
    assert ended.code == 2
    assert "makes no questions to learn from" in ended.err
    assert f"{SumsForm.__name__}.replay" in ended.err


def test_a_curve_has_a_point_for_each_checkpoint(tmp_path: Path) -> None:
    write_curve(tmp_path / "curve.svg", [(300, 9, 2.0), (600, 18, 0.5), (900, 27, 0.25)])
    text = (tmp_path / "curve.svg").read_text()
    (points,) = (part.split('"')[0] for part in text.split('points="')[1:])
    assert len(points.split(" ")) == 3
    assert "0.25 hours" in text
    assert "loss, 0.25 at the end" in text
    write_curve(tmp_path / "empty.svg", [])
    assert 'points=""' in (tmp_path / "empty.svg").read_text()
