"""The command `adapt`: a project about the data on a server, and the whole pipeline in it, from the base student.

    dstill adapt --engine-url sqlite:////data/shop.db --out shop       # shop/dstill.toml, shop/runs/adapted

It is `init`, `generate`, `train` and `evaluate` in one. Labels come from the task's own questions; no model is asked.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dstill import config as configuration
from dstill.cli import extras
from dstill.cli.ask import base_student, no_address
from dstill.cli.console import emit, note, say
from dstill.cli.demo import run_stages
from dstill.cli.evaluate import summary
from dstill.cli.groups import Command
from dstill.cli.init import write_project
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
from dstill.config import FILE
from dstill.errors import DstillError, UsageError
from dstill.factory import Setup, task_name
from dstill.io.shell import command, quoted
from dstill.io.units import percent
from dstill.plugins import part_sections
from dstill.runs.manifest import MANIFEST
from dstill.runs.run import Run
from dstill.stages.predict.live_data import data_name, describe

__all__ = ["adapt"]

RUN = Path("runs/adapted")  # in the project's folder
OF_EVALUATION = ("evaluate.", "engine.", "executor.")  # settings that may differ when the command is called again


@click.command(
    cls=Command,
    section="Start",
    examples=["dstill adapt --engine-url sqlite:////data/shop.db --out shop"],
)
@engine_url_option("Server that has the data. Nothing is written there", default="")
@student_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the project. Default: the name of the data.")
@task_option
@click.option("--restart", is_flag=True, help="Make the questions and train again, in a project that is there.")
@click.option(
    "--resume-with-changes",
    is_flag=True,
    help="Continue a stopped training with the settings of this call, although they have changed. The learning rate "
    "then follows the new number of steps.",
)
@seed_option
@json_option
@set_option
@pass_app
def adapt(app: App, out: Path | None, restart: bool, resume_with_changes: bool, as_json: bool) -> None:
    """Train and score a student for the data on a server.

    Creates a project as `init` does, makes questions with answers from the fields and values of the data, trains the
    task's base student on them, and scores it on that server, read-only. No teacher is asked. Takes minutes on a CPU.
    If it is stopped, the same command continues. Other settings than before need --restart.
    """
    started = time.monotonic()
    setup = _setup(app)
    out = out or Path(_folder(data_name(setup)))
    again = command("adapt", *app.words(), "--out", out)
    if (out / FILE).exists():
        with _inside(out):
            _require_same(setup, out)
    else:
        note(f"reading {data_name(setup) or 'the data'} from {setup.settings.engine.url}: fields, values")
        project = describe(setup)
        write_project(setup, project, out)
        for line in project.about:
            note(line)
    with _inside(out):
        run = _run(app, out, restart=restart, resume_with_changes=resume_with_changes)
        note(f"{'continuing' if run.stages else 'adapting'} in {out / RUN}")
        stages = run_stages(run, again=again, restart=restart, resume_with_changes=resume_with_changes)
        live = live_examples(run)
        page = run.plugins.write_report(run)
    seconds = time.monotonic() - started
    if as_json:
        emit({**summary(run, stages.scores, seconds=seconds), "run": str(out / RUN)})
        return
    stages.show(run)
    for line in _changes(run, stages.scores["scores"]):
        say(line)
    say("These questions were made from templates. People ask in other ways, so try your own questions too.")
    show_live(run, live)
    say(f"Took {seconds:.0f} s.{f' The report: {out / page}.' if page else ''} Ask the student, or serve it:")
    if out != Path("."):
        say(f"  cd {quoted(out)}")
    say(f"  {command('ask', '--student', RUN, live.question)}")
    say(f"  {command('serve', RUN)}")


def _setup(app: App) -> Setup:
    """The configuration of the project, from flags. Raises UsageError without a server."""
    flags = app.config(use_files=False).settings
    task = task_name(app.plugins, flags)
    if not flags.engine.url:
        raise no_address("adapt", app.plugins, flags)
    if spec := app.flags.get("train.student"):
        kind, colon, base = str(spec).partition(":")
        if colon and Path(base).expanduser().exists():  # the stages run in the project's folder
            app.flags["train.student"] = f"{kind}:{Path(base).expanduser().absolute()}"
    extras.require("demo", command="adapt", plugin=app.plugins.owner("tasks", task))
    student = spec or base_student(app.plugins, task)
    return Setup(app.plugins, app.config({"project.task": task, "train.student": student}, use_files=False))


def _folder(name: str) -> str:
    """A name of data as the name of a folder."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "adapted"


@contextlib.contextmanager
def _inside(out: Path) -> Iterator[None]:
    """In the project's folder. Errors name the run as the user sees it from where the command began."""
    with contextlib.chdir(out):
        try:
            yield
        except DstillError as problem:
            problem.what = problem.what.replace(str(RUN), str(out / RUN))
            problem.where = problem.where.replace(str(RUN), str(out / RUN))
            problem.hint = problem.hint.replace(str(RUN), quoted(out / RUN))
            raise


def _require_same(setup: Setup, out: Path) -> None:
    """Raises UsageError if the project in `out`, the current folder, is about other data than this call."""
    config = configuration.load(Path(FILE), environment={}, sections=part_sections(setup.plugins))
    there = Setup(setup.plugins, config)
    about = [(part.settings.engine.url, data_name(part)) for part in (setup, there)]
    if about[0] != about[1]:
        url, name = about[1]
        raise UsageError(
            f"{out / FILE} is about other data: {name or 'unnamed'} at {url or 'no server'}",
            where=str(Path.cwd()),
            hint="choose another folder with --out",
        )


def _run(app: App, out: Path, *, restart: bool, resume_with_changes: bool) -> Run:
    """The run in the project in the current folder: a new one, or one that was stopped.

    Raises UsageError for one that was begun with other settings, unless an option allows it.
    """
    if (RUN / MANIFEST).exists():
        run = app.open(RUN)
        before = Run.open(RUN, plugins=app.plugins).config.flat()
        changed = {k: v for k, v in app.flags.items() if before.get(k) != v and not k.startswith(OF_EVALUATION)}
        trained = "train" in run.stages
        if changed and not restart and (trained or not resume_with_changes):
            was = "; ".join(f"{key} = {before.get(key)}, not {value}" for key, value in changed.items())
            on = "" if trained else ", --resume-with-changes continues it with the new settings"
            raise UsageError(
                f"the student in {RUN} {'was' if trained else 'is being'} trained with {was}",
                where=str(out),
                hint=f"--restart trains again{on}; to keep it, leave the setting out",
            )
        if restart or resume_with_changes:
            _forget_stages(run)
        return run
    app.config_file = Path(FILE)
    return Run.create(RUN, config=app.config(), plugins=app.plugins, arguments={"command": "adapt", **app.flags})


def _forget_stages(run: Run) -> None:
    """Take the settings of this call into the run, whose stages are then done again."""
    with run.lock():
        run.manifest["stages"].clear()
        run.save_settings()
        run.save()


def _changes(run: Run, scores: Mapping[str, Any]) -> Iterator[str]:
    """The accuracy before and after training, a line for each split."""
    headline = run.plugins.headline()
    for split in run.settings.evaluate.splits:
        before, after = (scores.get(system, {}).get(split, {}).get(headline) for system in ("untrained", "student"))
        if before and after and before["value"] is not None and after["value"] is not None:
            yield f"{split}: {percent(before['value'])} % before training → {percent(after['value'])} % after it"
