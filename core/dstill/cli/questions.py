"""The command about questions: the task's own, or those that a teacher invents."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping, Sequence

import click

from dstill.api.protocols import Synthesis
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    app,
    cap_options,
    complete_parts,
    json_option,
    seed_option,
    set_option,
    task_option,
)
from dstill.config import assignment
from dstill.errors import FailedItems, UsageError
from dstill.factory import Setup
from dstill.io.jsonl import write_rows
from dstill.io.shell import command
from dstill.pipeline.augment import Focus, draw
from dstill.pipeline.error_analysis import labels
from dstill.pipeline.question_files import read_questions
from dstill.pipeline.question_generation import invent
from dstill.runs.folder import STORE
from dstill.runs.run import focus_in
from dstill.teacher.cost import told

__all__ = ["questions"]


@click.command(
    cls=Command,
    examples=["dstill data questions -n 100 --out questions.jsonl"],
    renamed={"--number": "--limit", "--seeds": "--seed-questions", "--max-tokens": "--max-total-tokens"},
)
@click.option("-n", "--limit", "number", type=Count(1, 1_000_000), default=20, help="How many to make.")
@click.option("--teacher", shell_complete=complete_parts("teachers"), help="Who invents them; else the task does.")
@click.option(
    "--seed-questions",
    "seeds",
    type=click.Path(path_type=Path),
    help="Sample questions for the --teacher.",
)
@click.option("--focus", metavar="LABEL", help="Only of the kinds in which the run --from has failures of that label.")
@click.option("--from", "source", metavar="RUN", help="An evaluated run, for --focus.")
@click.option("--out", type=click.Path(path_type=Path), help="JSONL file for `generate --questions`; else stdout.")
@cap_options
@task_option
@seed_option
@json_option
@set_option
@app
def questions(
    found: App,
    number: int,
    teacher: str | None,
    seeds: Path | None,
    focus: str | None,
    source: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make questions: the task's own, or such as a teacher invents.

    Those of the task have a gold (the right answer) and a rationale (why it is right). With --teacher a model
    invents them, so many of each category and none twice, without answers. The options of a task pack say what
    data of your own they are about. Notes on the questions go to stderr. With --focus and --from they are more of
    the kinds in which a student is weak, in the shares of its failures, for training: none is like one of that
    run's sets.
    """
    if seeds and not teacher:
        raise UsageError("--seed-questions are for a teacher", where="--seed-questions", hint="give --teacher too")
    if bool(focus) != bool(source):
        raise UsageError(
            "a focus is a label of failures and the run that has them",
            where="--focus" if focus else "--from",
            hint="give both --focus LABEL and --from RUN",
        )
    context = found.context
    if teacher:
        found.flags["generate.teacher"] = teacher
    config = found.config()
    task = Setup(found.plugins, config).task
    context = found.context
    weak = focus_in(source, focus, labels(task)) if focus and source else None
    if weak is not None:
        note(weak.told())
    if teacher:
        _invent(found, number, context, seeds, weak, out, as_json)
        return
    seed = config.settings.project.seed
    made = (
        draw(task, weak, context, number, seed)
        if weak is not None
        else list(itertools.islice(Synthesis.of(task).synthesize(context, number, seed), number))
    )
    if not made:
        hint = "write them into a file, or ask a --teacher for some"
        raise UsageError(f"task '{task.name}' makes no questions of its own", where="--task", hint=hint)
    _show(made, out, as_json)
    _told(made, number, task)
    if out is not None and found.given:
        note(f"next: {command('generate', '--questions', out, *_about(found))}")


def _invent(
    found: App,
    number: int,
    context: Mapping[str, Any],
    seeds: Path | None,
    weak: Focus | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """The questions of a teacher; where it gave too few, they are shown before the error."""
    config = found.config()
    examples = read_questions(seeds) if seeds else []
    with progress() as report:
        setup = Setup(found.plugins, config, report)
        invented = invent(setup, context, number, STORE, seeds=examples, focus=weak)
    if invented.examples:  # else there is nothing to write, and a file of before stays
        _show(invented.examples, out, as_json and out is None)
    if as_json and out is not None:
        emit({"out": str(out), **invented.to_json()})
    counts = Counter(example.category for example in invented.examples)
    for line in [*invented.told(), _categories(counts), *told(invented.cost)[:1]]:
        note(line)
    if invented.stopped:
        raise FailedItems(
            f"{len(invented.examples)} of {number} questions: {invented.stopped}",
            where=f"teacher '{config.settings.generate.teacher}'",
            hint="a higher temperature, --seed-questions of your own or fewer questions help; "
            "generate.max_duplicate_rate is the limit",
        )
    if out is not None:
        asked = ("generate", "--questions", out, "--teacher", config.settings.generate.teacher)
        note(f"next: {command(*asked, *_about(found))}")


def _about(found: App) -> list[str]:
    """The settings by which `generate` knows what these questions are about: their rows only name it."""
    wanted = {key: value for given in found.given.values() for key, value in given.settings.items()}
    others = {key: value for key, value in found.flags.items() if key not in wanted}
    known = replace(found, flags=others).config().flat()
    return [word for key, value in wanted.items() if known[key] != value for word in ("--set", assignment(key, value))]


def _show(made: Sequence[Example], out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_rows(out, (example.to_row() for example in made))
        return
    for example in made:
        if as_json:
            emit(example.to_row())
        else:
            say(example.question + (f"\n    {example.answer}" if example.answer else ""), lines=True)


def _told(made: Sequence[Example], asked: int, task: Task) -> None:
    """How many there are of each category, and what the task has to say, on stderr."""
    counts = Counter(example.category for example in made)
    note(_categories(counts))
    if len(made) < asked:
        note(f"warning: {asked} were asked for, and there are no more of these")
    for line in Synthesis.of(task).warnings():
        note(line)


def _categories(counts: Counter[str]) -> str:
    said = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if name)
    return f"{counts.total()} questions" + (f" of {len(counts)} categories: {said}" if said else "")
