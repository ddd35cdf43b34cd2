"""The data on the user's server, and a student that is asked about it without a run of its own.

    project = describe(setup)                   # the server's data, as files of a project
    with kept(project) as settings:             # in a private folder, as a project's files are
        about_server(student, settings)         # an Answerable

`dstill init` writes the files into a project. `dstill ask` needs them only while it runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator, Mapping
from typing import Any

from dstill import trust
from dstill.api.engine import ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.errors import UsageError
from dstill.factory import Setup, url_schemes, url_takers
from dstill.io.files import temporary_files
from dstill.quality.data_drift import drift
from dstill.stages.predict.answerable import Answerable, no_calibration

__all__ = ["about_server", "choices", "data_name", "describe", "from_base", "kept"]


def describe(setup: Setup) -> ProjectFiles:
    """The data on the server of ``[engine]``, as the task describes it. Raises UsageError, ServiceError, AuthError."""
    project = DataProfile.of(setup.task).describe(setup.settings.engine, _executor_settings(setup))
    if project is None:
        raise UsageError(
            f"task '{setup.task.name}' cannot describe the data of a server",
            where="--engine-url",
            hint="run `dstill init` without it to write a dstill.toml",
        )
    return project


def choices(setup: Setup) -> Mapping[str, Mapping[str, Any]]:
    """The data to choose from on the server of ``[engine]`` (`DataProfile.choices`). Raises as `describe`."""
    return DataProfile.of(setup.task).choices(setup.settings.engine, _executor_settings(setup))


def data_name(setup: Setup) -> str:
    """The name of the data on the server that the settings choose; empty: they choose none."""
    name = _executor(setup)
    return setup.plugins.executor(name)(setup.config.part("executor", name)).data if name else ""


def _executor_settings(setup: Setup) -> Any:
    """Those of the executor that reaches the server, which must be trusted as its address is. None: there is none."""
    name = _executor(setup)
    trust.require(setup.config, "engine", *([f"executor.{name}"] if name else []))
    return setup.config.part("executor", name) if name else None


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


def from_base(name: str, setup: Setup) -> Answerable:
    """The student of `setup` that was trained elsewhere, as its kind and base name it."""
    return Answerable(name=name, setup=setup, load=lambda setup: setup.student.load_base())


def about_server(student: Answerable, settings: Mapping[str, Any], flags: Container[str] = ()) -> Answerable:
    """`student`, asked about the data on the server, which `settings` describe; those that `flags` names stay.

    Its confidence is known only if the data have the name and all fields that the student learnt.
    """
    config = student.setup.config.with_flags({key: value for key, value in settings.items() if key not in flags})
    setup = Setup(student.setup.plugins, config)
    name, task = data_name(setup), setup.task
    context = {task.data_key: name} if name else {}
    named = name or settings.get(f"task.{task.name}.{task.data_key}", "")
    knows = named in student.contexts() and not drift(task, student.learnt(), None)
    return Answerable(
        name=student.name,
        title=named,
        setup=setup,
        load=student.load,
        contexts=lambda: {name: context},
        load_nearest=student.load_nearest,
        calibration=student.calibration if knows else no_calibration,
    )
