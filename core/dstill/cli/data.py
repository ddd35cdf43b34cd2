"""Commands about data: questions, generate, curate."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any, Sequence

import click

from dstill.cli.app import (
    App,
    Count,
    app,
    complete_parts,
    json_option,
    run_argument,
    seed_option,
    set_option,
    setting,
    task_option,
)
from dstill.cli.console import emit, note, progress, table, visible
from dstill.cli.given import MAPPING_FORM, VALUES_FORM, object_of
from dstill.cost import told
from dstill.errors import FailedItems, RunError, UsageError
from dstill.estimating import estimated
from dstill.files import reading
from dstill.folder import MANIFEST
from dstill.making import make_task
from dstill.records import Example
from dstill.run import Run
from dstill.task import Task

__all__ = ["COMMANDS"]

# Settings that decide what `generate` makes: a run keeps to those that it began with.
DECIDING = (
    "project.",
    "generate.questions",
    "generate.limit",
    "generate.teacher",
    "generate.json_mode",
    "task.",
    "teacher.",
)


@click.command()
@click.option("-n", "--number", type=Count(1, 1_000_000), default=20, show_default=True, help="How many.")
@click.option("--mapping", type=click.Path(path_type=Path), help="JSON file with the mapping of your own index.")
@click.option("--values", type=click.Path(path_type=Path), help="JSON file with what its fields hold.")
@task_option
@seed_option
@json_option
@set_option
@app
def questions(found: App, number: int, mapping: Path | None, values: Path | None, as_json: bool) -> None:
    """Make questions with the task's own synthesizer.

    Each has a gold (the right answer) and a rationale (why it is right). With --mapping they are about
    an index of your own; what the task has to say of them goes to stderr.
    """
    if values and not mapping:
        raise UsageError("--values are those of a mapping", where="--values", hint="give --mapping too")
    config = found.config()
    task = make_task(found.plugins, config)
    context = _own_data(mapping, values)
    made = list(itertools.islice(task.synthesize(context, number, config.settings.project.seed), number))
    if not made:
        raise UsageError(
            f"task '{task.name}' makes no questions of its own", where="--task", hint="write them into a file"
        )
    for example in made:
        if as_json:
            emit(example.to_row())
        else:
            click.echo(f"{visible(example.question)}\n    {visible(example.answer or '')}")
    _told(made, number, task)


def _own_data(mapping: Path | None, values: Path | None) -> dict[str, Any]:
    """What `Task.synthesize` gets of a user's files. Raises UsageError, DataError."""
    given = {"mapping": (mapping, MAPPING_FORM), "values": (values, VALUES_FORM)}
    read = {name: object_of(file, f"--{name}", form) for name, (file, form) in given.items() if file is not None}
    return {**read, "index": mapping.stem} if mapping else {}


def _told(made: Sequence[Example], asked: int, task: Task) -> None:
    """How many there are of each category, and what the task has to say, on stderr."""
    counts = Counter(example.category for example in made)
    said = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if name)
    note(f"{len(made)} questions" + (f" of {len(counts)} categories: {said}" if said else ""))
    if len(made) < asked:
        note(f"warning: {asked} were asked for, and there are no more of these")
    for line in task.remarks():
        note(line)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder; one that is there goes on.")
@task_option
@setting("--teacher", key="generate.teacher", shell_complete=complete_parts("teachers"), help="Who answers.")
@setting("--questions", key="generate.questions", metavar="FILE", help="JSONL, CSV or Parquet; else the task's own.")
@setting("--limit", key="generate.limit", type=Count(1, 10**8), help="At most this many questions.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Run the answers on this server.")
@setting("--max-usd", key="generate.max_usd", type=float, metavar="USD", help="What replies may cost in all.")
@setting("--max-tokens", key="generate.max_tokens", type=Count(1, 10**12), help="That they may take in all.")
@setting("--max-requests", key="generate.max_requests", type=Count(1, 10**9), help="Replies to ask for in all.")
@setting("--max-wall", key="generate.max_wall", type=float, metavar="SECONDS", help="No request goes out after it.")
@setting("--batch", key="generate.batch", is_flag=True, flag_value=True, help="Submit, leave, come back, collect.")
@setting("--json-mode", key="generate.json_mode", type=click.Choice(["auto", "schema", "off"]), help="Form of replies.")
@click.option("--dry-run", is_flag=True, help="Say what would be asked, what it may cost, and one prompt; ask nobody.")
@seed_option
@json_option
@set_option
@app
def generate(found: App, out: Path | None, dry_run: bool, as_json: bool) -> None:
    """Ask the teacher, check every reply, and write the dataset.

    A reply that will not do is asked for again, with what is wrong with it. The --max caps are looked at before
    a request goes out, and hold for the run: begun again, it goes on with what was spent.
    """
    if dry_run:
        _dry_run(found, out, as_json)
        return
    with progress() as report:
        if out is not None and (out / MANIFEST).exists():
            run = found.open(out.absolute())  # not a run of that name under ./runs
            run.folder = out
            _keeps_to_its_settings(run)
        else:
            config = found.config()
            if questions := config.settings.generate.questions:
                with reading(Path(questions)):  # a name that is mistyped leaves no run behind
                    Path(questions).stat()
            run = Run.create(out, config=config, plugins=found.plugins, arguments=found.flags)
        run.progress = report
        facts = run.generate()
    failed = facts["replies"]["failed"] + facts["rejections"].get("truncated", 0)
    if as_json:
        emit({"run": str(run.folder), **facts})
        if failed:
            raise click.exceptions.Exit(FailedItems.exit_code)  # the object says it itself
        return
    show_dataset(facts)
    for line in told(facts["cost"]):
        click.echo(line)
    click.echo(f"run: {run.folder}\nnext: dstill train {run.folder}")
    if failed:
        raise FailedItems(
            f"{failed} of {facts['questions']} questions got no whole reply",
            where=str(run.folder / "rejects.jsonl"),
            hint=f"ask for them again with: dstill generate --out {run.folder}",
        )


def _dry_run(found: App, out: Path | None, as_json: bool) -> None:
    """What `generate` would do, without a run."""
    settings = found.open(out.absolute()).config if out is not None and (out / MANIFEST).exists() else found.config()
    estimate = estimated(found.plugins, settings)
    if as_json:
        emit(estimate.to_json())
        return
    for line in estimate.told():
        click.echo(line)
    if estimate.prompt is not None:
        click.echo(f"\nthe first prompt, id {visible(estimate.prompt.example.id)}:")
        for message in estimate.prompt.messages:
            click.echo(f"--- {message.role}\n{visible(message.content)}")


@click.command()
@run_argument
@setting("--engine-url", key="engine.url", metavar="URL", help="Run the answers on this server.")
@json_option
@set_option
@app
def curate(found: App, run: str, as_json: bool) -> None:
    """Make the dataset anew of the replies that RUN has; nothing is asked or bought.

    Use it after a change of checks, engine or parser. Every row that does not become data is in rejects.jsonl
    with the reason; the table counts them.
    """
    with progress() as report:
        opened = found.open(run)
        opened.progress = report
        facts = opened.curate()
    if as_json:
        emit({"run": str(opened.folder), **facts})
        return
    show_dataset(facts)
    click.echo(f"next: dstill train {opened.folder}")


def _keeps_to_its_settings(run: Run) -> None:
    """Refuse to mix data of two settings in one run; one that has no rows yet takes those of now."""
    if not any(name.startswith("dataset/") for name in run.manifest["files"]):
        with run.lock():  # somebody else may be at it
            run.keep_settings()
        return
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


COMMANDS = (questions, generate, curate)
