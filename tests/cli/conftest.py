"""Runs called "mine": of the toy, generated, trained and scored; and of a student that is unsure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.unsure import calibrated
from support.unsure import trained as trained_unsure

from dstill import plugins as plugin_loading

Cli = Callable[..., Any]


@pytest.fixture
def make(cli: Cli, once: Callable[..., None]) -> Callable[..., None]:
    """``make("name", ("generate", …), ("train", …))``: the folder in which these commands have run."""

    def build(commands: tuple[tuple[str, ...], ...]) -> None:
        for words in commands:
            ended = cli(*words)
            assert ended.code == 0, ended.err

    return lambda name, *commands: once(name, lambda: build(commands))


GENERATE = ("generate", "--teacher", "parrot", "--out", "mine")
TRAIN = ("train", "mine", "--student", "memory", "--objective", "plain")
EVALUATE = ("evaluate", "mine", "--set", "evaluate.baselines=untrained")


@pytest.fixture
def generated(project: Path, make: Callable[..., None]) -> Path:
    make("generated", GENERATE)
    return project / "mine"


@pytest.fixture
def trained(project: Path, make: Callable[..., None]) -> Path:
    make("trained", GENERATE, TRAIN)
    return project / "mine"


@pytest.fixture
def evaluated(project: Path, make: Callable[..., None]) -> Path:
    make("evaluated", GENERATE, TRAIN, EVALUATE)
    return project / "mine"


@pytest.fixture
def unsure(cli: Cli, toy_file: Path, project: Path, once: Callable[..., None]) -> Cli:
    """Commands with the student "unsure", whose run has 200 judgements; shown.txt has what `evaluate` printed."""
    plugin = toy_file.with_name("unsure.py")

    def build() -> None:
        loaded = plugin_loading.load([toy_file, plugin])
        calibrated(trained_unsure(loaded, project / "mine", {"train": 5, "test": 40}), 200)
        assert cli("--plugin", plugin, "trust", "mine").code == 0
        ended = cli("--plugin", plugin, "evaluate", "mine", "--set", 'evaluate.baselines=["nearest"]')
        assert ended.code == 0, ended.err
        (project / "shown.txt").write_text(ended.out)

    once("unsure", build)
    return lambda *words, **more: cli("--plugin", plugin, *words, **more)


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch, enable: Callable[..., None]) -> None:
    """The plugin for endpoints as OpenAI's, and a key for one on loopback."""
    enable("openai")
    monkeypatch.setenv("OPENAI_API_KEY", "loopback-key-of-a-test")
