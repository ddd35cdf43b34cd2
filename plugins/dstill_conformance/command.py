"""The command `pack check`: the conformance kit on an installed task pack, or on one in a file (``--plugin``)."""

from __future__ import annotations

from functools import partial
from math import nan

import click

from dstill.api.finding import Finding
from dstill.api.protocols import Demo
from dstill.cli.console import emit, progress, say, table
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    complete_parts,
    engine_url_option,
    json_option,
    pass_app,
    seed_option,
    set_option,
)
from dstill.config import Config
from dstill.errors import FailedItems
from dstill.factory import Setup, task_name
from dstill_conformance.fresh import in_new_process
from dstill_conformance.kit import SECONDS, Report, check
from dstill_conformance.pack import LIMIT, Pack, same_task

__all__ = ["pack_check"]


@click.command(
    "check", cls=Command, examples=["dstill pack check my_sql", "dstill --plugin my_pack.py pack check mine"]
)
@click.argument("name", required=False, shell_complete=complete_parts("tasks"))
@click.option("--limit", type=Count(1, 10**6), default=LIMIT, help="Number of reference answers to check.")
@click.option(
    "--seconds",
    type=Count(1, 10**6),
    default=int(SECONDS),
    help="Time limit. Rules that do not fit into it are skipped.",
)
@engine_url_option("Execute reference answers on this server")
@seed_option
@json_option
@set_option
@pass_app
def pack_check(app: App, name: str | None, limit: int, seconds: int, as_json: bool) -> None:
    """Check that a task pack does what dstill relies on.

    NAME is the task; by default the project's. Each finding names an example that shows it, the file and line to
    change, and what to do. Checked are:

    \b
      - questions: unique ids, the same at every call, splits that share nothing
      - replies that can be parsed back, prompts without the answer, accepted rationales
      - answers: checks and methods that take any text, stable canonical forms
      - the form of answers and the grammar: every reference answer can be written
      - hostile answers that no check lets through
      - results: references that run, equality of results, mutants that are detected
      - the executor: nothing left open, threads, timeouts, time and memory

    The author's own pairs of answers (dstill.api.KnownAnswers) are checked too. Settings of the task that you do not
    give are those of the pack's quick demo, if it has one. Exits with 3 if there are errors, or if the time was up
    before everything was checked. Advice alone does not change the exit code.
    """  # noqa: D301 - click needs the character \b itself
    if name:
        app.flags["project.task"] = name
    setup = Setup(app.plugins, _for_quick_demo(app))
    task, executor = same_task(setup.task), setup.executor()
    pack = Pack(
        task,
        executor_class=None if executor is None else type(executor),
        executor_config=None if executor is None else executor.config,
        engine=setup.settings.engine,
        plugins=app.plugins,
        fresh=partial(in_new_process, app.plugins, setup.config, task.name),
        limit=limit,
        seed=setup.settings.project.seed,
    )
    with progress() as report_progress:
        report = check(pack, seconds=seconds, progress=report_progress)
    if as_json:
        emit(report.to_json())
        if report.errors or any(group.cut for group in report.groups):
            raise click.exceptions.Exit(FailedItems.exit_code)  # the object has the findings
        return
    _show(report)
    if n := len(report.errors):
        raise FailedItems(
            f"task '{report.task}' has {n} {'fault' if n == 1 else 'faults'}",
            where=report.errors[0].where,
            hint="change what each finding names, and check again; docs/packs.md explains the methods",
        )
    if any(group.cut for group in report.groups):
        raise FailedItems("the time was up before everything was checked", where="--seconds", hint="give it more")


def _for_quick_demo(app: App) -> Config:
    """The configuration, with the quick demo's settings of the task where it has only defaults: fewer questions."""
    config = app.config()
    name = task_name(app.plugins, config.settings)
    fewer = {
        key: value
        for key, value in Demo.class_of(app.plugins.task(name)).demo_quick_settings.items()
        if key.startswith(f"task.{name}.") and config.origin(key) == "default"
    }
    return app.config(fewer)


def _show(report: Report) -> None:
    rows = [
        [
            f"{group.name} (time was up)" if group.cut else group.name,
            str(group.rules),
            str(group.errors),
            str(len(group.findings) - group.errors),
            f"{group.seconds:.1f}",
        ]
        for group in report.groups
    ]
    title = f"task {report.task}: {report.golds:,} of the reference answers to {report.questions:,} questions"
    table(["group", "#rules", "#errors", "#advice", "#seconds"], rows, title=title)
    figures = report.figures
    if "run_seconds" in figures:
        memory = f", and {figures['memory_bytes'] / 2**20:.0f} MiB stay" if "memory_bytes" in figures else ""
        say(f"an answer takes {1000 * figures['run_seconds']:.3g} ms{memory}")
    if figures.get("mutation_score", nan) >= 0:
        say(f"{100 * figures['mutation_score']:.0f} % of the mutants have another result than their reference")
    for finding in report.findings:
        _show_one(finding)


def _show_one(finding: Finding) -> None:
    say()
    say(f"{'error' if finding.is_error else 'advice'} {finding.code}", bold=True)
    for text in (finding.what, finding.where, finding.hint):
        if text:
            say(f"  {text}")
