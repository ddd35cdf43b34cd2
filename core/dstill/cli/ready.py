"""The student that a command asks: one of the data on a server, as `ask` does, or that of a run, loaded to be served.

with about_data(app, None, "ask") as student: ...      # the task's base, asked about the data of --engine-url
with ready(student, execute=True, max_wrong=None, fallback="") as predictor: ...
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from dstill.cli.confidence import promises
from dstill.cli.console import note
from dstill.errors import ServiceError, UsageError
from dstill.io.shell import command

if TYPE_CHECKING:
    from pathlib import Path

    from dstill.api.records import Record
    from dstill.cli.options import App
    from dstill.config import Settings
    from dstill.factory import Setup
    from dstill.plugins import Plugins
    from dstill.stages.predict.answerable import Answerable
    from dstill.stages.predict.predictor import Predictor

__all__ = ["about_data", "base_student", "choices", "is_run", "no_address", "ready"]

EXAMPLES = 200  # questions that the task writes


@contextlib.contextmanager
def about_data(app: App, spec: str | None, name: str) -> Iterator[Answerable]:
    """A trained student that knows the data on the server of the command `name`, and says what it has read.

    `spec`: a run or bundle, or KIND:BASE; None: the task's base. The description of the data is deleted at the end.
    Raises UsageError if there is no such student or no address, ServiceError, AuthError.
    """
    from dataclasses import replace

    from dstill.stages.predict.live_data import about_server, describe, kept

    student = _student(app, spec, name)
    project = describe(student.setup)
    for line in project.brief:
        note(line)
    with kept(project) as settings:
        asked = about_server(student, settings, app.flags)
        yield replace(
            asked,
            records=cache(partial(_examples, asked.setup)),
            brief=tuple(project.brief),
            advice=tuple(_advice(app, asked)),
        )


def choices(app: App) -> Mapping[str, Mapping[str, Any]]:
    """The data on the server of the command to choose from, each with the settings that choose it.

    Empty: its address says which. Raises UsageError if no task takes the address, ServiceError, AuthError.
    """
    from dstill.factory import Setup, task_name
    from dstill.stages.predict import live_data

    config = app.config({"project.task": task_name(app.plugins, app.config().settings)})
    return live_data.choices(Setup(app.plugins, config))


def _student(app: App, spec: str | None, name: str) -> Answerable:
    """The student, with the settings that reach the data."""
    from dataclasses import replace

    from dstill.factory import Setup, task_name
    from dstill.stages.predict.live_data import from_base

    if spec and not is_run(app, spec):
        app.flags["train.student"] = spec
    settings = app.config().settings
    no_url = no_address(name, app.plugins, settings)
    if not (spec or settings.engine.url):
        raise no_url
    spec = spec or base_student(app.plugins, task_name(app.plugins, settings))
    if of_run := is_run(app, spec):
        student = replace(app.open_trained(spec), name=spec)
    else:
        config = app.config({"project.task": task_name(app.plugins, settings), "train.student": spec})
        student = from_base(spec, Setup(app.plugins, config))
    if not student.settings.engine.url:
        raise no_url
    if not of_run:
        student.setup.student.base_limits()  # raises for a base that is not there, before anything is read
    return student


def no_address(name: str, plugins: Plugins, settings: Settings) -> UsageError:
    """That the command `name` needs ``--engine-url``."""
    from dstill.factory import address_forms, possible_tasks

    forms = address_forms(plugins, *possible_tasks(plugins, settings))
    hint = f"{command(name, '--engine-url', 'URL')} …{f' (an address with {forms})' if forms else ''}"
    return UsageError(f"`dstill {name}` needs the address of your data", where="--engine-url", hint=hint)


def base_student(plugins: Plugins, name: str) -> str:
    """The base student of the task `name`. Raises UsageError if it has none."""
    base: str = plugins.fact("tasks", name, "base")
    if not base:
        hint = "name a trained student: --student linked:FOLDER"
        raise UsageError(f"task '{name}' has no base student", where="--student", hint=hint)
    return base


def is_run(app: App, spec: str) -> bool:
    """Whether `spec` names a run or bundle, and not KIND:BASE."""
    from dstill.factory import kind_and_base

    return kind_and_base(app.plugins, spec)[0] not in app.plugins.names("students")


def _advice(app: App, asked: Answerable) -> Iterator[str]:
    """What a base gets wrong, and how to train it for this data."""
    if is_run(app, asked.name):
        return
    noun, limits = asked.task.data_noun, asked.setup.student.base_limits()
    yield f"this student was not trained on this {noun}: {limits or 'check what it answers'}"
    yield f"to train it on this {noun}: {command('adapt', *app.words())}"


def _examples(setup: Setup, split: str) -> list[Record]:
    """Questions that the task writes about the data, for people who have not asked yet."""
    from dstill.api.protocols import Synthesis
    from dstill.api.records import Record

    if split != "test":
        return []
    made = list(Synthesis.of(setup.task).synthesize({}, EXAMPLES, setup.settings.project.seed))
    known = Counter(word for example in made for word in set(example.question.split()))
    return [
        Record(
            id=example.id,
            question=example.question,
            rationale=example.rationale or "",
            answer=example.answer,
            context=example.context,
            category=example.category,
            split=split,
        )
        for example in made
        # a word that no other question has may be a mistake, which the task makes as people do
        if example.answer is not None and all(known[word] > 1 for word in example.question.split())
    ]


@contextlib.contextmanager
def ready(
    run: Answerable, *, execute: bool, max_wrong: float | None, fallback: str, memory: Path | None = None
) -> Iterator[Predictor]:
    """The student of `run` with a first question answered, so that no user waits for what loads at first use.

    Says what changed in its data since the training, and what is promised. `execute`: open the engine, if the task has
    one. `memory`: a feedback file, whose confirmed answers are given again. The other arguments are those of
    `Predictor`. Raises ServiceError if the engine is away.
    """
    from dstill.stages.predict.live_data import data_name
    from dstill.stages.predict.memory import Memory
    from dstill.stages.predict.predictor import Predictor

    note(f"loading the student '{run.name}'")
    executes = execute and bool(run.task.executors)
    with contextlib.ExitStack() as stack:
        try:
            known = None if memory is None else Memory(run.task, memory, data_name(run.setup))
            predictor = stack.enter_context(
                Predictor(run, execute=executes, max_wrong=max_wrong, fallback=fallback, memory=known)
            )
        except ServiceError as error:
            hint = "; ".join(line for line in (error.hint, "or do not execute answers: --no-execute") if line)
            raise ServiceError(error.what, where=error.where, hint=hint) from None
        note("answering a first question")
        predictor.warm_up()
        for line in predictor.drift():
            note(f"warning: {line}")
        for line in promises(predictor):
            note(f"note: {line}")
        yield predictor
