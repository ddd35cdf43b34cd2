"""Commands about data: questions, generate."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import click

from dstill.cli.app import App, Count, app, complete_parts, json_option, seed_option, set_option, setting, task_option
from dstill.cli.console import emit, progress, table, visible
from dstill.errors import RunError, UsageError
from dstill.folder import MANIFEST
from dstill.making import make_task
from dstill.run import Run

__all__ = ["COMMANDS"]

# Settings that decide what `generate` makes: a run keeps to those that it began with.
DECIDING = ("project.", "generate.questions", "generate.limit", "generate.teacher", "task.", "teacher.")


@click.command()
@click.option("-n", "--number", type=Count(1, 1_000_000), default=20, show_default=True, help="How many.")
@task_option
@seed_option
@json_option
@set_option
@app
def questions(found: App, number: int, as_json: bool) -> None:
    """Write questions with gold and rationale, made by the task's own synthesizer."""
    config = found.config()
    task = make_task(found.plugins, config)
    made = list(itertools.islice(task.synthesize({}, number, config.settings.project.seed), number))
    if not made:
        raise UsageError(
            f"task '{task.name}' makes no questions of its own", where="--task", hint="write them into a file"
        )
    for example in made:
        if as_json:
            emit(example.to_row())
        else:
            click.echo(f"{visible(example.question)}\n    {visible(example.answer or '')}")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder; one that is there goes on.")
@task_option
@setting("--teacher", key="generate.teacher", shell_complete=complete_parts("teachers"), help="Who answers.")
@setting("--questions", key="generate.questions", metavar="FILE", help="JSONL, CSV or Parquet; else the task's own.")
@setting("--limit", key="generate.limit", type=Count(1, 10**8), help="At most this many questions.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Run the answers on this server.")
@seed_option
@json_option
@set_option
@app
def generate(found: App, out: Path | None, as_json: bool) -> None:
    """Ask the teacher, check every reply, and write the dataset."""
    with progress() as report:
        if out is not None and (out / MANIFEST).exists():
            run = found.open(out.absolute())
            _keeps_to_its_settings(run)
        else:
            run = Run.create(out, config=found.config(), plugins=found.plugins, arguments=found.flags)
        run.progress = report
        facts = run.generate()
    if as_json:
        emit({"run": str(run.folder), **facts})
        return
    show_dataset(facts)
    click.echo(f"run: {run.folder}\nnext: dstill train {run.folder}")


def _keeps_to_its_settings(run: Run) -> None:
    """Refuse to mix data of two settings in one run."""
    before = Run.open(run.folder, plugins=run.plugins).config.flat()
    for key, value in run.config.flat().items():
        if key.startswith(DECIDING) and before.get(key) != value:
            raise RunError(
                f"run '{run.name}' was begun with {key} = {json.dumps(before.get(key))}, not {json.dumps(value)}",
                where=str(run.folder),
                hint="begin a new run with another --out",
            )


def show_dataset(facts: Any) -> None:
    """The counts of `Run.generate`."""
    rows = [[split, str(n)] for split, n in facts["splits"].items()]
    table(["split", "#rows"], rows, title=f"{facts['accepted']} of {facts['questions']} questions accepted")
    if facts["rejections"]:
        table(["rejected for", "#rows"], [[code, str(n)] for code, n in facts["rejections"].items()])
    for kind in ("unsupported", "unavailable"):
        if n := facts["outcomes"].get(kind):
            click.echo(f"{n} answers were not run: {kind} on this engine")


def text_of(data: bytes) -> str:
    """What came in, decoded. Raises UsageError with the line that is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise UsageError(
            f"line {line}: not UTF-8 (byte {data[problem.start]:#04x})", where="the input", hint="save it as UTF-8"
        ) from None


COMMANDS = (questions, generate)
