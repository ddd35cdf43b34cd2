"""The whole pipeline in one command, on what the task pack itself brings."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dstill.api.protocols import Demo, Presentation
from dstill.api.records import Example
from dstill.cli.console import emit, note, progress, say
from dstill.cli.data import show_dataset
from dstill.cli.evaluate import summary
from dstill.cli.extras import built_in, missing
from dstill.cli.groups import Command
from dstill.cli.options import App, app, json_option, seed_option, set_option, setting, task_option
from dstill.cli.scores import show_scores
from dstill.cli.train import show_training
from dstill.errors import MissingExtra, UsageError
from dstill.factory import task_name
from dstill.io.shell import command
from dstill.pipeline.predict import Answered, Answering
from dstill.runs.run import Run

__all__ = ["demo"]


@click.command(cls=Command, section="Start", examples=["dstill demo", "dstill demo --quick"])
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder; else a new one under ./runs.")
@task_option
@click.option("--quick", is_flag=True, help="In about a quarter of the time, for a student that is less often right.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Run the answers on this server, not the embedded one.")
@seed_option
@json_option
@set_option
@app
def demo(found: App, out: Path | None, quick: bool, as_json: bool) -> None:
    """Show the whole road once, on the CPU, in minutes.

    Questions, teacher, dataset, a small student, the score of its answers when run, a report. Needs no
    key, no network and no GPU. With --engine-url the demo's data are written to a place made for them
    on that server, and the answers run there.
    """
    started = time.monotonic()
    run = _prepared(found, out, quick)
    with progress() as report:
        run.progress = report
        note(f"demo of task '{run.task.name}' in {run.folder}")
        data = run.generate()
        training = run.train()
        scores = run.evaluate()
    live = _live(run)
    page = run.plugins.write_report(run)
    seconds = time.monotonic() - started
    if not as_json:
        show_dataset(data)
        show_training(training)
        show_scores(run, scores)
        if quick:
            say("This was --quick: with less data and fewer steps the student is less often right than the demo's.")
        _show_live(run, live)
        look = f"Look at {page}, or try" if page else "Try"
        say(f"{seconds:.0f} s in all. {look} the student yourself:")
        say(f"  {command('predict', run.folder, live.question, '--execute')}")
        return
    emit(
        {
            **summary(run, scores, seconds=seconds),
            "quick": quick,
            "example": {"question": live.question, "answer": live.answer, "ok": live.ok},
        }
    )


def _prepared(found: App, out: Path | None, quick: bool) -> Run:
    """A new run with the settings under which the pack wants to be shown; flags go before them."""
    found.plugins.require_healthy()
    settings = found.config(use_files=False).settings
    shows = [name for name in found.plugins.names("tasks") if _demo_of(found, name).demo_settings]
    asked = settings.project.task
    name = shows[0] if not asked and len(shows) == 1 else task_name(found.plugins, settings)
    task = _demo_of(found, name)
    if not task.demo_settings:
        hint = "a pack gives its settings in Demo.demo_settings"
        raise UsageError(f"task '{name}' has no demo", where="--task", hint=hint)
    if quick and not task.demo_quick_settings:
        raise UsageError(f"task '{name}' has no quick demo", where="--quick", hint="leave it out")
    # a pack from elsewhere may need less
    if (lacking := missing("demo")) and built_in(found.plugins.owner("tasks", name)):
        raise MissingExtra("`dstill demo`", "demo", ", ".join(lacking))
    shown = {**task.demo_settings, **(task.demo_quick_settings if quick else {})}
    # the data are the pack's own: a demo may write them to the server that it is given
    shown = {"project.task": name, "engine.load_data": True, **shown}
    config = found.config(shown, use_files=False)
    return Run.create(out, config=config, plugins=found.plugins, arguments={"command": "demo", **found.flags})


def _demo_of(found: App, name: str) -> type[Demo]:
    task = found.plugins.task(name)
    return task if issubclass(task, Demo) else Demo


def _live(run: Run) -> Answered:
    """One question of the test set, answered now and run."""
    record = next(r for r in run.records(run.settings.evaluate.splits[0]) if not run.task.is_refusal(r.answer))
    example = Example(id=record.id, question=record.question, context=record.context)
    with Answering(run, execute=True) as answering:
        return answering.answer([example])[0]


def _show_live(run: Run, live: Answered) -> None:
    say("an example, answered live", bold=True)
    say(f"  question: {live.question}\n  answer:   {live.answer or live.reason}", lines=True)
    if live.outcome:
        shown = Presentation.of(run.task).render_result(live.result).replace("\n", "\n            ")
        say(f"  result:   {shown}", lines=True)
