"""The data on the user's server, and a student that is asked about it without a run of its own.

    project = describe(setup)                                # the server's data, as files of a project
    with kept(project) as settings: ...                      # in a private folder, as a project's files are
    with Predictor(LiveRun(setup=setup, …), execute=True) as predictor: ...

`dstill init` writes the files into a project. `dstill ask` needs them only while it runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill import trust
from dstill.api.engine import ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.api.student import Generator
from dstill.api.task import Task
from dstill.config import Settings
from dstill.errors import UsageError
from dstill.factory import Setup, url_schemes, url_takers
from dstill.io.files import temporary_files
from dstill.pipeline.calibration import Calibration
from dstill.pipeline.data_drift import Learnt
from dstill.run_view import NoRows, Stages

if TYPE_CHECKING:
    from dstill.pipeline.generate import Purchase

__all__ = ["LiveRun", "data_name", "describe", "kept"]


def describe(setup: Setup) -> ProjectFiles:
    """The data on the server of ``[engine]``, as the task describes it. Raises UsageError, ServiceError, AuthError."""
    name = _executor(setup)
    trust.require(setup.config, "engine", *([f"executor.{name}"] if name else []))
    settings = setup.config.part("executor", name) if name else None
    project = DataProfile.of(setup.task).describe(setup.settings.engine, settings)
    if project is None:
        raise UsageError(
            f"task '{setup.task.name}' cannot describe the data of a server",
            where="--engine-url",
            hint="run `dstill init` without it to write a dstill.toml",
        )
    return project


def data_name(setup: Setup) -> str:
    """The name of the data on the server that the settings choose; empty: they choose none."""
    name = _executor(setup)
    return setup.plugins.executor(name)(setup.config.part("executor", name)).data if name else ""


def _executor(setup: Setup) -> str:
    """The executor that reaches the server; empty: the task has none."""
    engine, names = setup.settings.engine, setup.task.executors
    if engine.name or not names:
        return engine.name
    takers = [name for name in names if url_schemes(setup.plugins, name)]
    if takers and engine.url:
        takers = url_takers(setup.plugins, setup.task, engine.url)
    return (takers or list(names))[0]


@contextlib.contextmanager
def kept(project: ProjectFiles) -> Iterator[dict[str, Any]]:
    """The files of `project` in a folder that only this user can read. Gives the settings that refer to them."""
    with temporary_files(project.files) as folder:
        yield {
            key: str(folder / value) if isinstance(value, str) and value in project.files else value
            for key, value in project.settings.items()
        }


@dataclass(frozen=True, kw_only=True)
class LiveRun(NoRows):
    """A student and the data on a server, in the place of a run (`dstill.pipeline.predict.TrainedRun`)."""

    name: str
    setup: Setup
    context: Mapping[str, Any]  # of every question
    load: Callable[[], Generator]  # the student
    load_nearest: Callable[[], Generator | None] = lambda: None
    load_calibration: Callable[[], Calibration | None] = lambda: None  # of validation rows about this data
    folder: Path = Path()
    manifest: Mapping[str, Any] = field(default_factory=lambda: {"stages": {}, "files": {}})
    stages: Stages = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The configuration."""
        return self.setup.settings

    @property
    def task(self) -> Task:
        """The task."""
        return self.setup.task

    @property
    def contexts(self) -> Mapping[str, Mapping[str, Any]]:
        """The context of questions about the data, by its name."""
        return {str(self.context.get(self.task.data_key, "")): self.context}

    def generator(self) -> Generator:
        """The loaded student."""
        return self.load()

    def nearest(self) -> Generator | None:
        """The baseline that measures the similarity to training questions, if the student has one."""
        return self.load_nearest()

    def calibration(self) -> Calibration | None:
        """What validation rows about this data say of the student's log-probabilities; None: there are none."""
        return self.load_calibration()

    def purchase(self, use: str = "", *, resume: str = "") -> Purchase:
        """Raises UsageError: there is no run that a reply could be bought for."""
        raise UsageError(f"{self.name} buys no replies", hint="train a student for this data, and evaluate it")

    def learnt(self) -> Learnt:
        """Nothing: the student is asked about the data as they are now."""
        return Learnt()
