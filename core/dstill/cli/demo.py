"""The whole pipeline in one command, on what the task pack itself brings."""

from __future__ import annotations

import time
from pathlib import Path

import click

from dstill.api.records import Example
from dstill.cli.console import emit, note, progress, say
from dstill.cli.data import show_dataset
from dstill.cli.evaluate import summary
from dstill.cli.options import App, app, json_option, seed_option, set_option, setting, task_option
from dstill.cli.scores import show_scores
from dstill.cli.train import show_training
from dstill.errors import UsageError
from dstill.factory import task_name
from dstill.io.shell import command
from dstill.pipeline.predict import Answered, Answering
from dstill.runs.run import Run

__all__ = ["COMMANDS"]


@click.command()
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
        say(f"  {command('predict', '--run', run.folder, '--execute', live.question)}")
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
    shows = [name for name in found.plugins.names("tasks") if found.plugins.task(name).demo]
    asked = settings.project.task
    name = shows[0] if not asked and len(shows) == 1 else task_name(found.plugins, settings)
    task = found.plugins.task(name)
    if not task.demo:
        raise UsageError(f"task '{name}' has no demo", where="--task", hint="a pack gives its settings in Task.demo")
    if quick and not task.quick:
        raise UsageError(f"task '{name}' has no quick demo", where="--quick", hint="leave it out")
    shown = {**task.demo, **(task.quick if quick else {})}
    # the data are the pack's own: a demo may write them to the server that it is given
    shown = {"project.task": name, "engine.load_data": True, **shown}
    config = found.config(shown, use_files=False)
    return Run.create(out, config=config, plugins=found.plugins, arguments={"command": "demo", **found.flags})


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
        shown = run.task.show(live.result).replace("\n", "\n            ")
        say(f"  result:   {shown}", lines=True)


COMMANDS = (demo,)
