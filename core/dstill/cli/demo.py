"""The command `demo`: the whole pipeline, on the questions and data of a task pack."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dstill.api.protocols import Demo
from dstill.cli import extras
from dstill.cli.console import emit, note, say
from dstill.cli.evaluate import summary
from dstill.cli.groups import Command
from dstill.cli.live import live_examples, show_live
from dstill.cli.options import (
    App,
    engine_url_option,
    json_option,
    pass_app,
    seed_option,
    set_option,
    student_option,
    task_option,
)
from dstill.cli.stages import run_stages
from dstill.errors import UsageError
from dstill.factory import kind_and_base, task_name
from dstill.io.shell import command
from dstill.runs.manifest import MANIFEST
from dstill.runs.run import Run

__all__ = ["demo"]


@click.command(cls=Command, section="Start", examples=["dstill demo", "dstill demo --quick"])
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run. Default: a new one under ./runs.")
@task_option
@student_option
@click.option("--quick", is_flag=True, help="Take about a quarter of the time, for a less accurate student.")
@engine_url_option("Execute answers on this server", default="the embedded engine")
@seed_option
@json_option
@set_option
@pass_app
def demo(app: App, out: Path | None, quick: bool, as_json: bool) -> None:
    """Run the whole pipeline on bundled data.

    Makes questions, builds a dataset, trains a small student, executes its answers and writes a report. Needs no API
    key, no network and no GPU. With --engine-url, the demo copies its data to that server under a new name (dstill-…),
    executes answers there, and removes the data at the end.
    To continue a stopped demo, pass its folder as --out.
    """
    started = time.monotonic()
    run = _resumed(app, out) if out is not None and (out / MANIFEST).exists() else _prepared(app, out, quick)
    quick = run.manifest["arguments"].get("quick", quick)
    note(f"demo of task '{run.task.name}' in {run.folder}")
    stages = run_stages(run, again=command("demo", "--out", run.folder))
    live = live_examples(run)
    page = run.plugins.write_report(run)
    seconds = time.monotonic() - started
    if not as_json:
        stages.show(run)
        if quick:
            say("This was --quick: with less data and fewer steps, the student is less accurate than that of the demo.")
        show_live(run, live)
        look = f"Look at {page}, or try" if page else "Try"
        say(f"Took {seconds:.0f} s. {look} the student yourself:")
        say(f"  {command('predict', run.folder, live.question, '--execute')}")
        return
    emit(
        {
            **summary(run, stages.scores, seconds=seconds),
            "quick": quick,
            "examples": live.to_row(),
        }
    )


def _prepared(app: App, out: Path | None, quick: bool) -> Run:
    """A new run with the demo settings of the pack. Flags override them."""
    app.plugins.require_healthy()
    settings = app.config(use_files=False).settings
    name = task_name(app.plugins, settings)
    demo = Demo.class_of(app.plugins.task(name))
    if not demo.demo_settings:
        hint = "a pack gives its settings in Demo.demo_settings"
        raise UsageError(f"task '{name}' has no demo", where="--task", hint=hint)
    if quick and not demo.demo_quick_settings:
        raise UsageError(f"task '{name}' has no quick demo", where="--quick", hint="run the demo without --quick")
    extras.require("demo", command="demo", plugin=app.plugins.owner("tasks", name))
    shown = {**demo.demo_settings, **(demo.demo_quick_settings if quick else {})}
    own = shown.get("train.student") or app.plugins.default_student(name)
    student = settings.train.student or own
    if student != own:
        shown = {key: value for key, value in shown.items() if not key.startswith("train.")}
    recipe = _recipe(app, student)
    # a demo may write the pack's own data to the server of --engine-url
    loads = {"engine.load_data": True} if settings.engine.url else {}
    config = app.config({"project.task": name, "train.student": student, **recipe, **loads, **shown}, use_files=False)
    arguments = {"command": "demo", "quick": quick, **app.flags}
    return Run.create(out, config=config, plugins=app.plugins, arguments=arguments)


def _recipe(app: App, student: str) -> Mapping[str, Any]:
    """The settings that suit `student`."""
    kind, _ = kind_and_base(app.plugins, student)
    return app.plugins.student(kind).recipe if student else {}


def _resumed(app: App, out: Path) -> Run:
    """The run of a stopped demo."""
    run = app.open(out)
    if run.manifest["arguments"].get("command") != "demo":
        raise UsageError(f"run '{run.name}' is not a demo", where="--out", hint="choose another folder, or omit --out")
    return run
