"""Every hook of dstill, in one file.

A plugin is a module (or any object) with functions of these names, marked with
`dstill.hookimpl`, and an entry point in the group ``dstill``:

    [project.entry-points.dstill]
    mine = "my_package"

Registration hooks yield part *classes* (see `dstill.api`), or declarations of them, as ``declare("mine",
"my_package.teacher:Mine")``: then dstill imports the class when somebody uses the part. Each hook is called at most
once, when a part of its kind is first needed. Two parts of the same kind and name are an error that names both plugins.

In a "first result" hook, dstill asks the plugin that was loaded last first. It can return None to pass: then the next
plugin is asked, and finally the core (`dstill.defaults`). A plugin that implements `build_prompt`, `parse_reply`,
`check_draft` or `judge_answer` for one task returns None for every other task.

An implementation may omit arguments that it does not need, but it must not rename them. So new arguments do not break
existing plugins. dstill is alpha and may still rename or remove a hook or an argument; CHANGELOG.md marks such a change
with **Breaking**. What concerns only one task is a method of its `Task`, not a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from dstill.api.baseline import Baseline
    from dstill.api.executor import Executor
    from dstill.api.finding import Finding
    from dstill.api.metric import Metric
    from dstill.api.modality import Choice, Modality, ModelSpec
    from dstill.api.objective import Objective
    from dstill.api.part import Declaration
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
def register_tasks() -> Iterable[type[Task] | Declaration]:  # type: ignore[empty-body]
    """Yield task packs, one class for each language."""


@hookspec
def register_teachers() -> Iterable[type[Teacher] | Declaration]:  # type: ignore[empty-body]
    """Yield teachers, for ``generate --teacher NAME``."""


@hookspec
def register_students() -> Iterable[type[Student] | Declaration]:  # type: ignore[empty-body]
    """Yield kinds of students, for ``train --student NAME`` or ``--student NAME:BASE``."""


@hookspec
def register_modalities() -> Iterable[type[Modality] | Declaration]:  # type: ignore[empty-body]
    """Yield modalities. The automatic choice tries them by `Modality.priority`, highest first."""


@hookspec
def register_objectives() -> Iterable[type[Objective] | Declaration]:  # type: ignore[empty-body]
    """Yield objectives, for ``train --objective NAME``."""


@hookspec
def register_executors() -> Iterable[type[Executor] | Declaration]:  # type: ignore[empty-body]
    """Yield executors. A task names the ones that it can use in `Task.executors`."""


@hookspec
def register_metrics() -> Iterable[type[Metric] | Declaration]:  # type: ignore[empty-body]
    """Yield metrics. `evaluate` computes each one for the verdicts of a split."""


@hookspec
def register_baselines() -> Iterable[type[Baseline] | Declaration]:  # type: ignore[empty-body]
    """Yield baselines, for ``evaluate.baselines``: systems that are scored next to the student."""


@hookspec
def register_commands(cli: click.Group) -> None:
    """Add commands to the command line, with ``cli.add_command`` or ``@cli.command``.

    Called at every start of ``dstill``, so do not import heavy libraries here.

    Args:
        cli: the click group of ``dstill``. Adding a command with an existing name is an error of the plugin.
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
    """The prompt for one example. The first result wins.

    Called by `generate` for each question, also to estimate costs.

    Args:
        task: the task of the run.
        example: the question.
        shots: worked examples, chosen from `pool` by category.
        pool: every worked example that may precede this question.
        settings: the section ``[generate]``.
        build: takes other worked examples and returns the prompt that all plugins and the core make with them. A plugin
            that only chooses the examples returns its result. It calls the hook again, with an empty pool.

    The core returns ``task.prompt(example, shots)``.
    """


@hookspec(firstresult=True)
def parse_reply(task: Task, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
    """Rationale and answer of a teacher's reply. The first result wins.

    Called for each new or stored reply, except one that was cut off.

    Args:
        task: the task of the run.
        text: the reply as it came.
        parse: takes another text and parses it with all plugins and the core. A plugin that only removes a part of the
            reply returns its result for the rest. It calls this plugin again, which must return None for that text.

    The core returns ``task.parse(text)``. If that is None too, the reply is rejected with the code ``not_parseable``.
    """


@hookspec
def check_draft(task: Task, example: Example, draft: Draft) -> Iterable[Problem] | None:
    """Problems of a teacher's draft. One error rejects it.

    Called for each parsed reply, for each answer that came with a question, and for each answer that is shown or edited
    in `dstill data review`. Problems of the layer ``rationale`` concern the rationale alone: an answer that came with
    the question stays without it.

    Args:
        task: the task of the run.
        example: the question.
        draft: answer and rationale of the reply.

    The results of all plugins are combined. Those of the core, from ``task.checks``, come first.
    """


# --- training ---------------------------------------------------------------------------


@hookspec(firstresult=True)
def select_modality(
    modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device
) -> Choice | None:
    """The modality to train with, and why. The first result wins.

    Called by `train` and `experiment plan` if ``train.modality`` is auto.

    Args:
        modalities: all installed ones.
        student: the student's size.
        recipe: the section ``[train]``.
        device: where training happens.

    The core chooses the modality of highest `Modality.priority` that fits.
    """


# --- evaluation -------------------------------------------------------------------------


@hookspec(firstresult=True)
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict | None:
    """Which level an answer reaches. The first result wins.

    Called by `evaluate` for each answer, by `train` for early stopping by accuracy, and, with `executor` None, by
    `predict` and `serve`. Several threads may call it at once if `Executor.parallel` allows that.

    Args:
        task: the task of the run.
        example: the question with its reference answer.
        draft: the parsed answer; None: the text has no answer.
        executor: the opened executor; None: answers are not run.

    The core returns ``dstill.api.judge(task, example, draft, executor)``.
    """


@hookspec
def report_sections(run: RunView) -> Iterable[Section] | None:
    """Yield sections for the report of a run, as plain data that the report escapes.

    Called when a report is written, by `report` and `demo`.

    Args:
        run: the evaluated run, read-only: manifest, settings, task and rows.

    The results of all plugins are combined and sorted by `Section.order`.
    """


@hookspec(firstresult=True)
def write_report(run: RunView) -> Path | None:
    """Write the report of a run and return the path of its page. The first result wins.

    Called by `demo`, at its end.

    Args:
        run: the evaluated run, read-only. `RunView.folder` is the folder to write to.

    If no plugin returns a path, there is no report.
    """


@hookspec
def track_run(run: RunView, report: Path | None) -> Mapping[str, str] | None:
    """Send an evaluated run to the services that ``train.report_to`` names.

    Called at the end of `evaluate` and by `runs track`, if ``train.report_to`` names a service outside of the run.

    Args:
        run: the evaluated run, read-only: manifest, settings, task and rows.
        report: the page of `write_report`; None: no plugin wrote one.

    Returns: service → id of the run there, for run.json. The results of all plugins are combined. Raises ServiceError,
    AuthError or MissingExtra.
    """


# --- task packs -------------------------------------------------------------------------


@hookspec
def check_pack(task: Task, examples: Sequence[Example]) -> Iterable[Finding] | None:
    """Yield what is wrong with a task pack, for ``dstill pack check``.

    Called once a check, after the core's own rules about answers and forms. A plugin checks here what only it can: that
    golds are sentences of the task's grammar, for example.

    Args:
        task: the task under test. Its methods raise instead of falling back to defaults.
        examples: questions with a gold that passes the task's checks.

    The results of all plugins are combined.
    """
