"""The command `adapt`: a project about the data on a server, and the whole pipeline in it, from the base student.

    dstill adapt --engine-url sqlite:////data/shop.db --out shop       # shop/dstill.toml, shop/runs/adapted
    dstill adapt --engine-url sqlite:////data/shop.db --out shop --teacher openai:gpt-5-mini     # shop/runs/taught

It is `init`, `generate`, `train` and `evaluate` in one. Labels come from the task's own questions; no model is asked,
unless --teacher names one. That one then writes more questions with their answers (`dstill.runs.taught`).
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import click

from dstill import config as configuration
from dstill.cli import extras
from dstill.cli.console import emit, note, say
from dstill.cli.evaluate import summary
from dstill.cli.groups import Command
from dstill.cli.init import write_project
from dstill.cli.live import live_examples, show_live
from dstill.cli.options import (
    App,
    Count,
    cap_options,
    complete_parts,
    engine_url_option,
    json_option,
    pass_app,
    seed_option,
    set_option,
    setting,
    student_option,
    task_option,
)
from dstill.cli.ready import base_student, no_address
from dstill.cli.stages import run_stages
from dstill.cli.taught import TAUGHT, run_taught, teaching_of
from dstill.config import FILE
from dstill.errors import DstillError, UsageError
from dstill.factory import Setup, task_name
from dstill.io.shell import command, quoted
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
    examples=[
        "dstill adapt --engine-url sqlite:////data/shop.db --out shop",
        "dstill adapt --engine-url sqlite:////data/shop.db --out shop --teacher openai:gpt-5-mini --max-usd 2",
    ],
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
@click.option(
    "--teacher",
    "spec",
    shell_complete=complete_parts("teachers"),
    metavar="NAME[:MODEL]",
    help="Large model that writes more questions, as different people ask, with their answers: for example "
    "openai:gpt-5-mini, or replay:FILE for recorded ones. It sees the fields and known values of the data. Default: "
    "none is asked.",
)
@setting(
    "--teacher-questions",
    key="adapt.teacher_questions",
    type=Count(1, 100_000),
    help="Questions that --teacher is asked to write, or to take from its file; of a file all, unless given.",
)
@cap_options
@seed_option
@json_option
@set_option
@pass_app
def adapt(
    app: App, out: Path | None, spec: str | None, restart: bool, resume_with_changes: bool, as_json: bool
) -> None:
    """Train and score a student for the data on a server.

    Creates a project as `init` does, makes questions with answers from the fields and values of the data, trains the
    task's base student on them, and scores it on that server, read-only. Takes minutes on a CPU. If it is stopped, the
    same command continues. Other settings than before need --restart.

    With --teacher, a large model also writes questions as people ask them. Each answer is checked and run, and has to
    find the same as a second answer to the question alone. The student learns them together with questions from
    templates. A part of them is not learnt: its accuracy is shown first, as test_teacher.
    """
    started = time.monotonic()
    teaching = teaching_of(app, spec)
    setup = _setup(app)
    if teaching:
        teaching.require_ready(setup)
    out = out or Path(_folder(data_name(setup)))
    again = command("adapt", *app.words(), *(teaching.words if teaching else []), "--out", out)
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
        changes = {"restart": restart, "resume_with_changes": resume_with_changes}
        if teaching:
            run, stages = run_taught(run, teaching, again=again, **changes)
        else:
            stages = run_stages(run, again=again, **changes)
        live = live_examples(run)
        page = run.plugins.write_report(run)
    seconds = time.monotonic() - started
    if as_json:
        emit({**summary(run, stages.scores, seconds=seconds), "run": str(out / run.folder)})
        return
    stages.show(run)
    made = "The questions of the other splits were" if teaching else "These questions were"
    say(f"{made} made from templates. People ask in other ways, so try your own questions too.")
    show_live(run, live)
    say(f"Took {seconds:.0f} s.{f' The report: {out / page}.' if page else ''} Ask the student, or serve it:")
    if out != Path("."):
        say(f"  cd {quoted(out)}")
    say(f"  {command('ask', '--student', run.folder, live.question)}")
    say(f"  {command('serve', run.folder)}")


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
            for folder in (RUN, TAUGHT):
                problem.what = problem.what.replace(str(folder), str(out / folder))
                problem.where = problem.where.replace(str(folder), str(out / folder))
                problem.hint = problem.hint.replace(str(folder), quoted(out / folder))
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
