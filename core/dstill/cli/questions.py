"""The command about questions: the task's own, or those that a teacher invents."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any, Mapping, Sequence

import click

from dstill.api.protocols import Synthesis
from dstill.api.records import Example
from dstill.api.task import Task, data_of
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.input_files import MAPPING_FORM, VALUES_FORM, object_of
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
from dstill.config import Config, assignment
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
@click.option("--mapping", type=click.Path(path_type=Path), help="JSON file with the mapping of your own index.")
@click.option("--values", type=click.Path(path_type=Path), help="JSON file with what its fields hold.")
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
    mapping: Path | None,
    values: Path | None,
    teacher: str | None,
    seeds: Path | None,
    focus: str | None,
    source: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make questions: the task's own, or such as a teacher invents.

    Those of the task have a gold (the right answer) and a rationale (why it is right). With --teacher a model
    invents them, so many of each category and none twice, without answers. With --mapping they are about an index
    of your own; what there is to say of them goes to stderr. With --focus and --from they are more of the kinds in
    which a student is weak, in the shares of its failures, for training: none is like one of that run's sets.
    """
    if values and not mapping:
        raise UsageError("--values are those of a mapping", where="--values", hint="give --mapping too")
    if seeds and not teacher:
        raise UsageError("--seed-questions are for a teacher", where="--seed-questions", hint="give --teacher too")
    if bool(focus) != bool(source):
        raise UsageError(
            "a focus is a label of failures and the run that has them",
            where="--focus" if focus else "--from",
            hint="give both --focus LABEL and --from RUN",
        )
    if teacher:
        found.flags["generate.teacher"] = teacher
    config = found.config()
    task = Setup(found.plugins, config).task
    context = _own_data(task, mapping, values)
    weak = focus_in(source, focus, labels(task)) if focus and source else None
    if weak is not None:
        note(weak.told())
    if teacher:
        _invent(found, number, context, seeds, weak, out, as_json, mapping, values)
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
    if out is not None and mapping is not None:
        about = _about(config, task, mapping, values, made)
        note(f"next: {command('generate', '--questions', out, *about)}")


def _invent(
    found: App,
    number: int,
    context: Mapping[str, Any],
    seeds: Path | None,
    weak: Focus | None,
    out: Path | None,
    as_json: bool,
    mapping: Path | None,
    values: Path | None,
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
            hint="a higher temperature, --seed-questions of your own, --values or fewer questions help; "
            "generate.max_duplicate_rate is the limit",
        )
    if out is not None:
        asked = ("generate", "--questions", out, "--teacher", config.settings.generate.teacher)
        note(f"next: {command(*asked, *_about(config, setup.task, mapping, values, invented.examples))}")


def _about(
    config: Config, task: Task, mapping: Path | None, values: Path | None, examples: Sequence[Example]
) -> list[str]:
    """The settings by which `generate` knows what these questions are about: their rows only name their data."""
    known, name = config.flat(), data_of(task, examples[0]) if examples else None
    wanted = {
        f"task.{task.name}.mapping": mapping and str(mapping),
        f"task.{task.name}.values": values and str(values),
        f"task.{task.name}.{task.data_key}": name,
    }
    return [
        word
        for key, value in wanted.items()
        if mapping and value and key in known and known[key] != value
        for word in ("--set", assignment(key, value))
    ]


def _show(made: Sequence[Example], out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_rows(out, (example.to_row() for example in made))
        return
    for example in made:
        if as_json:
            emit(example.to_row())
        else:
            say(example.question + (f"\n    {example.answer}" if example.answer else ""), lines=True)


def _own_data(task: Task, mapping: Path | None, values: Path | None) -> dict[str, Any]:
    """What `Synthesis.synthesize` gets of a user's files. Raises UsageError, DataError."""
    given = {"mapping": (mapping, MAPPING_FORM), "values": (values, VALUES_FORM)}
    read = {name: object_of(file, f"--{name}", form) for name, (file, form) in given.items() if file is not None}
    return {**read, task.data_key: mapping.stem} if mapping else {}


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
