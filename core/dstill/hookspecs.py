"""Every hook of dstill, in one file.

A plugin is a module (or any object) with functions of these names, marked with
`dstill.hookimpl`, and an entry point in the group ``dstill``:

    [project.entry-points.dstill]
    mine = "my_package"

Registration hooks yield part *classes* (see `dstill.api`); each is called once and its
parts are kept. Two parts of one kind with one name are an error that names both plugins.

A "first result" hook may return None to pass: the next plugin is asked, and at last the
core's own answer (`dstill.defaults`) is taken. A plugin that answers `build_prompt`,
`parse_reply`, `check_draft` or `judge_answer` for one task returns None (or nothing) for
every other.

What belongs to one task alone is a method of its `Task`, not a hook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Sequence

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from dstill.api.baseline import Baseline
    from dstill.api.executor import Executor
    from dstill.api.metric import Metric
    from dstill.api.modality import Choice, Modality, Shape
    from dstill.api.objective import Objective
    from dstill.api.recipe import Device, Recipe
    from dstill.api.records import Draft, Example, Problem, Prompt, Section, Verdict
    from dstill.api.student import Student
    from dstill.api.task import Task
    from dstill.api.teacher import Teacher
    from dstill.config import Generate
    from dstill.run_view import RunView

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("dstill")
hookimpl = pluggy.HookimplMarker("dstill")


# --- registration -----------------------------------------------------------------------


@hookspec
def register_tasks() -> Iterable[type[Task]]:  # type: ignore[empty-body]
    """Yield task packs, one class a language."""


@hookspec
def register_teachers() -> Iterable[type[Teacher]]:  # type: ignore[empty-body]
    """Yield teachers, for ``generate --teacher NAME``."""


@hookspec
def register_students() -> Iterable[type[Student]]:  # type: ignore[empty-body]
    """Yield kinds of students, for ``train --student NAME`` or ``--student NAME:BASE``."""


@hookspec
def register_modalities() -> Iterable[type[Modality]]:  # type: ignore[empty-body]
    """Yield modalities; ``fullness`` says where each stands in the automatic choice."""


@hookspec
def register_objectives() -> Iterable[type[Objective]]:  # type: ignore[empty-body]
    """Yield objectives, for ``train --objective NAME``."""


@hookspec
def register_executors() -> Iterable[type[Executor]]:  # type: ignore[empty-body]
    """Yield executors; a task names those that it can use in ``Task.executors``."""


@hookspec
def register_metrics() -> Iterable[type[Metric]]:  # type: ignore[empty-body]
    """Yield metrics; `evaluate` prints each, over all verdicts of a set."""


@hookspec
def register_baselines() -> Iterable[type[Baseline]]:  # type: ignore[empty-body]
    """Yield baselines, for ``evaluate.baselines``: what a student is scored beside."""


@hookspec
def register_commands(cli: click.Group) -> None:
    """Add commands to the command line, by ``cli.add_command`` or ``@cli.command``.

    Called at every start of ``dstill``: import nothing heavy here.
    """


# --- teaching ---------------------------------------------------------------------------


@hookspec(firstresult=True)
def build_prompt(
    task: Task,
    example: Example,
    shots: Sequence[Example],
    pool: Iterable[Example],
    settings: Generate,
    build: Callable[[Sequence[Example]], Prompt],
) -> Prompt | None:
    """The prompt for one example, with `shots` as worked examples.

    `shots` are chosen by category, from `pool`: every worked example that may stand before this one. `build` makes the
    prompt with other shots, by all plugins and the core, for a plugin that only chooses; the pool is empty then.

    First result wins; the core's own answer is ``task.prompt(example, shots)``.
    """


@hookspec(firstresult=True)
def parse_reply(task: Task, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
    """Rationale and answer out of a teacher's raw reply; None passes.

    `parse` reads another text, as a part of this one, by all plugins and the core: for a plugin that only takes
    something off. It asks the caller again, so the text must be one on which the caller passes.

    First result wins; the core's own answer is ``task.parse(text)``. When that is None
    too, the reply is rejected with the code ``not_parseable``.
    """


@hookspec
def check_draft(task: Task, example: Example, draft: Draft) -> Iterable[Problem] | None:
    """What is wrong with a teacher's draft, before it may become a record.

    All answers are gathered, the core's (``task.checks``, in order) first. One problem of
    severity error rejects the draft.
    """


# --- training ---------------------------------------------------------------------------


@hookspec(firstresult=True)
def select_modality(modalities: Sequence[Modality], student: Shape, recipe: Recipe, device: Device) -> Choice | None:
    """The modality to train in, with every reason; called when ``modality = "auto"``.

    First result wins; the core takes, of those that fit, the one of highest `fullness`.
    """


# --- evaluation -------------------------------------------------------------------------


@hookspec(firstresult=True)
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict | None:
    """How far a student's draft comes; `draft` None: nothing could be parsed.

    First result wins; the core's own answer is ``dstill.api.judging.judge(task, example, draft, executor)``.
    """


@hookspec
def report_sections(run: RunView) -> Iterable[Section] | None:
    """Yield sections for the run's report, in plain data; the report's writer escapes them.

    All answers are gathered and sorted by ``order``.
    """


@hookspec(firstresult=True)
def write_report(run: RunView) -> Path | None:
    """Write the report of an evaluated run, and return the page to look at; for ``dstill demo``.

    First result wins; without one there is no report.
    """
