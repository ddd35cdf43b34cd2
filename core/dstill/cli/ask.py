"""The command `ask`: a trained student answers questions about the data on a server, without a project or training.

    dstill ask --engine-url http://127.0.0.1:9200 "requests of the last hour by host"
    dstill ask --student runs/adapted "requests of the last hour by host"

The description of the data is read from the server, as `dstill init` does, and deleted when the command ends.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from dstill.api.protocols import Linked, Presentation
from dstill.api.records import Example, OutcomeKind
from dstill.api.student import Generator
from dstill.api.task import Task
from dstill.cli.console import emit, error, note, say, width
from dstill.cli.groups import Command
from dstill.cli.options import App, app, engine_url_option, json_output, set_option, task_option
from dstill.cli.predict import Tally, blocks, questions_of_stdin, show_problems, show_result, warn_of_guesses
from dstill.errors import DstillError, UsageError
from dstill.factory import Setup, address_forms, kind_and_base, task_name
from dstill.io.pretty_json import pretty
from dstill.io.shell import command
from dstill.pipeline.live_data import LiveRun, data_name, describe, kept
from dstill.pipeline.predict import PredictedAnswer, Predictor, question_text
from dstill.plugins import Plugins
from dstill.runs.bundle import open_trained

__all__ = ["ask", "base_student", "no_address"]

WIDEST = 100  # columns of an answer
SHOWN = 300  # characters of a question


@click.command(
    cls=Command,
    section="Use",
    examples=[
        'dstill ask --engine-url http://127.0.0.1:9200 "requests of the last hour by host"',
        'dstill ask --student runs/adapted "requests of the last hour by host"',
    ],
)
@click.argument("questions", nargs=-1, metavar="[QUESTION]...")
@engine_url_option("Server that has the data. Nothing is written there", default="engine.url")
@click.option(
    "--student",
    "spec",
    metavar="KIND:BASE|RUN|BUNDLE",
    help="A trained student: the folder of one, as linked:FOLDER, or the run or bundle of one. Default: the task's "
    "base student, which was trained on the data of others.",
)
@task_option
@json_output("Print one JSON object for each question.")
@set_option
@app
def ask(found: App, questions: tuple[str, ...], spec: str | None, as_json: bool) -> None:
    """Ask about the data on a server, without a project or training.

    Reads the fields of the data and their common values from the server, lets a trained student write the answer,
    checks it, runs it there and shows the result. Without QUESTION, reads questions from stdin, as `predict` does; on a
    terminal, each one is answered at once.

    Exits with 9 if an answer is invalid or fails to run, and with 0 if the student refuses (it says that the data
    cannot answer).
    """
    where = ["QUESTION" if len(questions) == 1 else f"QUESTION {number}" for number, _ in enumerate(questions, 1)]
    asked = [question_text(*one) for one in zip(questions, where, strict=True)]  # before anything takes time
    if spec and not _is_run(found, spec):
        found.flags["train.student"] = spec
    spec = spec or base_student(found.plugins, task_name(found.plugins, found.config().settings))
    setup = _live_run(found, spec, {}).setup
    if not setup.settings.engine.url:
        raise no_address("ask", setup.plugins, type(setup.task))
    if not _is_run(found, spec):
        setup.student.base_limits()  # raises for a base that is not there, before anything is read
    project = describe(setup)
    for line in project.brief:
        note(line)
    tally = Tally()
    with kept(project) as settings, Predictor(_live_run(found, spec, settings), execute=True) as answering:
        if not questions and sys.stdin.isatty():
            _advise(found, answering, as_json=as_json)
            _converse(answering, as_json=as_json)
            return
        try:
            for block in blocks(_examples(answering, asked)):
                for answered in answering.answer(block):
                    tally.add(answered)
                    if not as_json:
                        say(textwrap.shorten(answered.question, SHOWN, placeholder=" …"), bold=True)
                    _show(answering, answered, as_json=as_json)
        finally:
            warn_of_guesses(answering, tally)
        if tally.asked:
            _advise(found, answering, as_json=as_json)
    tally.end(f"student {spec}", as_json=as_json)


def _examples(answering: Predictor, questions: Sequence[str]) -> Iterator[Example]:
    """QUESTION, or those of stdin."""
    if not questions:
        yield from questions_of_stdin(answering, None)
    for number, text in enumerate(questions, 1):
        yield answering.example(text, id=str(number))


def _converse(answering: Predictor, *, as_json: bool) -> None:
    """Answer lines of the terminal one by one. An error ends only its question."""
    note("enter one question per line; Ctrl-D ends the input")
    for number, line in enumerate(iter(sys.stdin.readline, ""), 1):
        if not line.strip():
            continue
        try:
            example = answering.example(line, id=str(number))
            [answered] = answering.answer([example])
            _show(answering, answered, as_json=as_json)
        except DstillError as problem:
            error(problem, as_json=as_json)


def no_address(name: str, plugins: Plugins, task: type[Task]) -> UsageError:
    """That the command `name` needs ``--engine-url``."""
    forms = address_forms(plugins, task)
    hint = f"{command(name, '--engine-url', 'URL')} …{f' (an address with {forms})' if forms else ''}"
    return UsageError(f"`dstill {name}` needs the address of your data", where="--engine-url", hint=hint)


# --- students ---------------------------------------------------------------------------


def base_student(plugins: Plugins, name: str) -> str:
    """The base student of the task `name`. Raises UsageError if it has none."""
    task = plugins.task(name)
    if not issubclass(task, Linked) or not task.base:
        hint = "name a trained student: --student linked:FOLDER"
        raise UsageError(f"task '{name}' has no base student", where="--student", hint=hint)
    return task.base


def _is_run(found: App, spec: str) -> bool:
    return kind_and_base(found.plugins, spec)[0] not in found.plugins.names("students")


def _live_run(found: App, spec: str, settings: Mapping[str, Any]) -> LiveRun:
    """The student `spec`, a kind with its base or a run. `settings` describe the data; flags override them."""
    load: Callable[[], Generator]
    load_nearest: Callable[[], Generator | None]
    if _is_run(found, spec):
        run = open_trained(spec, flags={**settings, **found.flags}, plugins=found.plugins)
        setup, load, load_nearest = run.setup, run.generator, run.nearest
    else:
        task = task_name(found.plugins, found.config().settings)
        setup = Setup(found.plugins, found.config({"project.task": task, **settings, "train.student": spec}))
        load, load_nearest = setup.student.load_base, lambda: None
    name = data_name(setup)
    context = {setup.task.data_key: name} if name else {}
    return LiveRun(name=spec, setup=setup, context=context, load=load, load_nearest=load_nearest)


def _advise(found: App, answering: Predictor, *, as_json: bool) -> None:
    """Say what a base gets wrong, and how to train it for this data."""
    if as_json or _is_run(found, answering.run.name):
        return
    noun = answering.setup.task.data_noun
    limits = answering.setup.student.base_limits()
    note(f"note: this student was not trained on this {noun}: {limits or 'check what it answers'}")
    note(f"to train it on this {noun}: {command('adapt', *found.words())}")


# --- answers ----------------------------------------------------------------------------


def _show(answering: Predictor, answered: PredictedAnswer, *, as_json: bool) -> None:
    if as_json:
        emit(answered.to_row())
        return
    task = answering.setup.task
    if answered.refused:
        say(f"refused: {Presentation.of(task).refusal_reason(answered.answer) or 'the data cannot answer this'}")
    elif answered.answer:
        say(pretty(answered.answer, min(width(), WIDEST)) if task.json_answers else answered.answer, lines=True)
    show_problems(answered)
    if answered.outcome == OutcomeKind.OK:
        show_result(task, answered)
    elif not answered.refused:
        say(f"  {answered.reason}", lines=True)
