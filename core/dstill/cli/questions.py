"""The command about questions: the task's own, or those that a teacher invents."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any, Sequence

import click

from dstill.cli.app import App, Count, app, json_option, seed_option, set_option, task_option
from dstill.cli.console import emit, note, visible
from dstill.cli.given import MAPPING_FORM, VALUES_FORM, object_of
from dstill.errors import UsageError
from dstill.making import make_task
from dstill.records import Example
from dstill.task import Task

__all__ = ["COMMANDS"]


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


COMMANDS = (questions,)
