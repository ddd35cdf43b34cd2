"""Runs of the toy, called "mine": generated, trained and scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
