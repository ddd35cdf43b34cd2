"""The command `data questions`: questions of the task, or questions that a teacher invents."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dstill.answering.error_analysis import labels
from dstill.api.protocols import Synthesis
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    cap_options,
    choose_teacher,
    complete_parts,
    json_output,
    pass_app,
    seed_option,
    set_option,
    task_option,
)
from dstill.config import assignment, command_line
from dstill.errors import FailedItems, UsageError
from dstill.factory import Setup, possible_tasks
from dstill.inputs.question_files import read_questions
from dstill.io.jsonl import write_rows
from dstill.runs.focus import run_focus
from dstill.runs.folder import STORE
from dstill.stages.generate.augment import Focus, draw
from dstill.stages.generate.question_generation import invent
from dstill.teacher.cost import summary_lines

__all__ = ["questions"]


@click.command(
    cls=Command,
    examples=["dstill data questions -n 100 --out questions.jsonl"],
)
@click.option("-n", "--limit", "number", type=Count(1, 1_000_000), default=20, help="Number of questions to make.")
@click.option(
    "--teacher",
    shell_complete=complete_parts("teachers"),
    metavar="NAME[:MODEL]",
    help="Model that writes the questions, for example openai:gpt-5-mini. Default: the task makes them.",
)
@click.option(
    "--seed-questions",
    "seeds",
    metavar="FILE",
    help="Example questions that the teacher imitates, as in `generate --questions`.",
)
@click.option(
    "--augment-cause",
    "focus",
    metavar="LABEL",
    help="Only make questions like those that failed for this cause in --from-run. `dstill evaluate` and the report "
    "list the causes.",
)
@click.option("--from-run", "source", metavar="RUN", help="An evaluated run: its failures are used.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="JSONL file to write, for `generate --questions`. Default: stdout."
)
@cap_options
@task_option
@seed_option
@json_output("Print one JSON object for each question. With --out: one object with the counts.")
@set_option
@pass_app
def questions(
    app: App,
    number: int,
    teacher: str | None,
    seeds: str | None,
    focus: str | None,
    source: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make questions.

    By default the task makes the questions, with reference answers and rationales. With --teacher, a model writes the
    questions, without answers. Each kind of question that the task defines gets about the same number of them. For your
    own data, also give the options of your task, whose help names it at the end.

    With --augment-cause and --from-run, makes questions like those that the student of that run failed on for that
    cause, in proportion to the failures. It repeats no question of that run.
    """
    if seeds and not teacher:
        raise UsageError("--seed-questions needs a teacher", where="--seed-questions", hint="add --teacher NAME")
    if bool(focus) != bool(source):
        raise UsageError(
            "--augment-cause and --from-run need each other",
            where="--augment-cause" if focus else "--from-run",
            hint="give both --augment-cause LABEL and --from-run RUN",
        )
    if teacher:
        choose_teacher(app, teacher)
    config = app.config()
    task = Setup(app.plugins, config).task
    context = app.context
    weak = run_focus(source, focus, labels(task)) if focus and source else None
    if weak is not None:
        note(weak.summary())
    if teacher:
        _invent(app, number, context, seeds, weak, out, as_json)
        return
    seed = config.settings.project.seed
    examples = (
        draw(task, weak, context, number, seed)
        if weak is not None
        else list(itertools.islice(Synthesis.of(task).synthesize(context, number, seed), number))
    )
    if not examples:
        hint = "write a file of questions, or let a --teacher invent some"
        raise UsageError(f"task '{task.name}' has no questions", where="--task", hint=hint)
    _show(examples, out, as_json and out is None)
    if as_json and out is not None:
        emit({"out": str(out), "questions": len(examples)})
    _note_counts(examples, number, task)
    if out is not None and (about := _about(app, task.name)):
        note(f"next: {command_line(app.plugins.files, 'generate', '--questions', out, *about)}")


def _invent(
    app: App,
    number: int,
    context: Mapping[str, Any],
    seeds: str | None,
    weak: Focus | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show the questions that a teacher invents. If it gives too few, they are shown before the error is raised."""
    config = app.config()
    with progress() as report:
        setup = Setup(app.plugins, config, report)
        examples = read_questions(seeds, parse=setup.task.parse) if seeds else []
        invented = invent(setup, context, number, STORE, seeds=examples, focus=weak)
    if invented.examples:  # otherwise an existing file is kept
        _show(invented.examples, out, as_json and out is None)
    if as_json and out is not None:
        emit({"out": str(out), **invented.to_json()})
    counts = Counter(example.category for example in invented.examples)
    for line in [*invented.summary_lines(), _categories(counts), *summary_lines(invented.cost)[:1]]:
        note(line)
    if invented.stopped:
        raise FailedItems(
            f"{len(invented.examples)} of {number} questions: {invented.stopped}",
            where=f"teacher '{config.settings.generate.teacher}'",
            hint="try a higher temperature, --seed-questions or fewer questions; "
            "generate.max_duplicate_rate is the limit",
        )
    if out is not None:
        words = ("generate", "--questions", out, "--teacher", config.settings.generate.teacher)
        note(f"next: {command_line(app.plugins.files, *words, *_about(app, setup.task.name))}")


def _about(app: App, task: str) -> list[str]:
    """The words for `generate` about these questions: their task, and the data that their rows only name."""
    wanted = {key: value for part in app.given.values() for key, value in part.settings.items()}
    others = {key: value for key, value in app.flags.items() if key not in {*wanted, "project.task"}}
    config = replace(app, flags=others).config()
    usual, known = app.plugins.default_task(possible_tasks(app.plugins, config.settings)), config.flat()
    words = [] if task == usual else ["--task", task]
    return words + [
        word for key, value in wanted.items() if known[key] != value for word in ("--set", assignment(key, value))
    ]


def _show(examples: Sequence[Example], out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_rows(out, (example.to_row() for example in examples))
        return
    for example in examples:
        if as_json:
            emit(example.to_row())
        else:
            say(example.question + (f"\n    {example.answer}" if example.answer else ""), lines=True)


def _note_counts(examples: Sequence[Example], wanted: int, task: Task) -> None:
    """Note the number of questions of each category, and the task's warnings, on stderr."""
    counts = Counter(example.category for example in examples)
    note(_categories(counts))
    if len(examples) < wanted:
        note(f"warning: {wanted} questions were requested, and there are no more of this kind")
    for line in Synthesis.of(task).warnings():
        note(line)


def _categories(counts: Counter[str]) -> str:
    listed = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if name)
    return f"{counts.total()} questions" + (f" of {len(counts)} categories: {listed}" if listed else "")
