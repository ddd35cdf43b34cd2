"""A project with a generated run of the toy task and the student `learner` (`learner.py`).

Trials are separate processes. Starting one takes far longer than the learner's training, so most tests fork a
process that has imported dstill already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.forked_trials import forked
from support.kill.children import Children

from dstill_sweep.trials import Trials

LEARNER = Path(__file__).parent / "learner.py"
Cli = Callable[..., Any]


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    with Children("torch", "scipy.stats") as children:
        yield children


@pytest.fixture
def forking_cli(sweep_cli: Cli, children: Children, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`sweep_cli` with forked trials, one at a time."""
    monkeypatch.setattr(Trials, "complete", forked(children))
    return sweep_cli


@pytest.fixture
def sweep_cli(project: Path, cli: Cli, once: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """``sweep_cli("experiment", "sweep", "run", "space.toml")``: a command with the plugins toy, learner and sweep."""
    off = set(os.environ["DSTILL_DISABLE"].split(",")) - {"sweep", "report"} | {"evaluate"}
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(off)))

    def call(*words: object) -> Any:
        return cli("--plugin", LEARNER, *words)

    settings = {
        "train.student": "learner",
        "train.objective": "dss",
        "train.modality": "part",
        "train.learning_rate": 1.0,
        "train.max_steps": 5,
        "train.r": 8,
    }

    def build() -> None:
        changes = (f"--set={key}={value}" for key, value in settings.items())
        ended = call("generate", "--out", "run", "--teacher", "parrot", *changes)
        assert ended.code == 0, ended.err

    once("generated", build)
    return call


@pytest.fixture
def trainings(project: Path) -> Callable[[], list[str]]:
    """The trainings so far."""
    return lambda: (project / "diary.txt").read_text().splitlines() if (project / "diary.txt").exists() else []
