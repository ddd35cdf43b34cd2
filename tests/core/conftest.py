"""The toy plugin, loaded, its task and its runs; and an empty reply store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.task import Task
from dstill.plugins import Plugins, part_sections
from dstill.teacher.cache import ReplyStore

TOY = {
    "project.task": "toy",
    "generate.teacher": "parrot",
    "train.student": "memory",
    "train.objective": "plain",
    "evaluate.baselines": ["untrained", "nearest"],
    "evaluate.splits": ["test"],
}


@pytest.fixture
def plugins(project: Path, toy_file: Path) -> Plugins:
    found = plugin_loading.load([toy_file])
    found.require_healthy()
    return found


@pytest.fixture
def task(plugins: Plugins) -> Task:
    return plugins.task("toy")()


@pytest.fixture
def create(plugins: Plugins) -> Callable[..., Run]:
    """``create("runs/other", train__r=8)``: a new run of the toy."""

    def make(folder: Path | str = "runs/mine", **flags: Any) -> Run:
        keys = {**TOY, **{key.replace("__", "."): value for key, value in flags.items()}}
        config = configuration.load(flags=keys, environment={}, sections=part_sections(plugins))
        return Run.create(folder, config=config, plugins=plugins, arguments=keys)

    return make


@pytest.fixture
def trained_run(create: Callable[..., Run]) -> Callable[..., Run]:
    """The same, with its dataset and a student."""

    def make(folder: Path | str = "runs/mine", **flags: Any) -> Run:
        run = create(folder, **flags)
        run.generate()
        run.train(allow_unreviewed=True)
        return run

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplyStore]:
    with ReplyStore(tmp_path / "replies.sqlite") as store:
        yield store
