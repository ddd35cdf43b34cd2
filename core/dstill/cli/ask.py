"""The command `ask`: a trained student answers questions about the data on a server, without a project or training.

    dstill ask --engine-url sqlite:////data/shop.db "orders of the last month by city"
    dstill ask --student runs/adapted "orders of the last month by city"

The description of the data is read from the server, as `dstill init` does, and deleted when the command ends.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from dstill.api.protocols import Presentation
from dstill.api.records import Example, OutcomeKind
from dstill.api.task import Task
from dstill.cli.console import emit, error, note, prompt, say, width
from dstill.cli.groups import Command
from dstill.cli.options import App, engine_url_option, json_output, limit_option, pass_app, set_option, task_option
from dstill.cli.predict import (
    Tally,
    blocks,
    questions_of_stdin,
    show_doubt,
    show_problems,
    warn_of_guesses,
)
from dstill.cli.ready import about_data
from dstill.cli.results import MORE, Rows, has_more, show_result, write_csv
from dstill.errors import DstillError, Interrupted, UsageError
from dstill.io.pretty_json import pretty
from dstill.io.shell import command
from dstill.stages.predict.answer_objects import data_rows
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor, question_text

__all__ = ["ask"]

WIDEST = 100  # columns of an answer
QUESTION_WIDTH = 300  # characters of a question
OTHER_ROWS = 3  # that are shown of an alternative
FIELDS = 40  # that `help` lists


@click.command(
    cls=Command,
    section="Use",
    examples=[
        'dstill ask --engine-url sqlite:////data/shop.db "orders of the last month by city"',
        "dstill ask --engine-url sqlite:////data/shop.db --page",
        'dstill ask --student runs/adapted "orders of the last month by city"',
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
@limit_option
@click.option(
    "--csv",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write all rows of the result to this file, with exact values. Needs one QUESTION.",
)
@click.option("--page", is_flag=True, help="Ask on a web page, on a free port of this machine, until Ctrl-C.")
@json_output("Print one JSON object for each question.")
@set_option
@pass_app
def ask(
    app: App, questions: tuple[str, ...], spec: str | None, limit: int, file: Path | None, page: bool, as_json: bool
) -> None:
    """Ask about the data on a server, without a project or training.

    Reads the fields of the data and their common values from the server, lets a trained student write the answer,
    checks it, runs it there and shows the result. Questions are in English, and each stands alone. Without QUESTION,
    reads questions from stdin, as `predict` does; on a terminal, each one is answered at once.

    With --page, answers on a web page, as `serve` does for a trained student.

    Exits with 9 if an answer is invalid or fails to run, and with 0 if the student refuses (it says that the data
    cannot answer).
    """
    if len(questions) > 1 and not any(" " in text for text in questions):
        questions = (" ".join(questions),)
        note("these words are read as one question; put a question in quotes")
    if page:
        _serve_page(questions, spec)
        return
    if file is not None and len(questions) != 1:
        hint = f"{command('ask', '--csv', file)} … 'ONE QUESTION'"
        raise UsageError("a CSV file has the result of one question", where="--csv", hint=hint)
    where = ["QUESTION" if len(questions) == 1 else f"QUESTION {number}" for number, _ in enumerate(questions, 1)]
    texts = [question_text(*pair) for pair in zip(questions, where, strict=True)]  # before anything takes time
    tally = Tally()
    with about_data(app, spec, "ask") as student, Predictor(student, execute=True) as answering:
        if not questions and sys.stdin.isatty():
            _advise(answering, as_json=as_json)
            _converse(answering, Rows(limit, by=MORE), as_json=as_json)
            return
        many = len(texts) != 1
        try:
            for block in blocks(_examples(answering, texts)):
                for example, answered in zip(block, answering.answer(block), strict=True):
                    answered = answering.with_alternatives(example, answered)
                    tally.add(answered)
                    if not as_json:
                        say(textwrap.shorten(answered.question, QUESTION_WIDTH, placeholder=" …"), bold=True)
                    _show(answering, answered, Rows(limit), as_json=as_json, many=many)
                    if file is not None and answered.outcome == OutcomeKind.OK:
                        write_csv(answering.setup.task, answered, file)
        finally:
            warn_of_guesses(answering, tally)
        if tally.asked:
            _advise(answering, as_json=as_json)
    tally.end(f"student {student.name}", as_json=as_json)


def _serve_page(questions: Sequence[str], spec: str | None) -> None:
    """Hand over to the command `serve`. Raises UsageError for a QUESTION, or if no plugin has that command."""
    if questions:
        raise UsageError("--page takes no QUESTION", where="QUESTION", hint="ask it on the page")
    context = click.get_current_context()
    outermost = context.find_root().command
    serve = outermost.get_command(context, "serve") if isinstance(outermost, click.Group) else None
    if serve is None:
        raise UsageError("no plugin has the page", where="--page", hint="pip install 'dstill[serve]'")
    context.invoke(serve, run=spec, port=0)


def _examples(answering: Predictor, questions: Sequence[str]) -> Iterator[Example]:
    """QUESTION, or those of stdin."""
    if not questions:
        yield from questions_of_stdin(answering, None)
    for number, text in enumerate(questions, 1):
        yield answering.example(text, id=str(number))


def _converse(answering: Predictor, rows: Rows, *, as_json: bool) -> None:
    """Answer lines of the terminal one by one. An error ends only its question."""
    note("enter one question per line; `help` lists the fields, `more` shows more rows, `exit` or Ctrl-D ends")
    last, page = None, rows  # what was answered last, and its rows that were shown
    for number, line in enumerate(iter(_typed, ""), 1):
        if line.strip() == "help":
            _list_fields(answering)
        elif line.strip() == MORE and last is not None:
            page = page.after()
            show_result(answering.setup.task, last, page)
        elif line.strip():
            last, page = _reply(answering, line, rows, id=str(number), as_json=as_json), rows
        if last is not None and not has_more(answering.setup.task, last, page):
            last = None


def _typed() -> str:
    """The next line of the terminal; empty if the user ends the input. Ctrl-C ends the command without an error."""
    try:
        prompt("> ")
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        prompt("\n")
        raise click.exceptions.Exit(Interrupted.exit_code) from None
    return "" if line.strip() in ("exit", "quit") else line


def _reply(answering: Predictor, line: str, rows: Rows, *, id: str, as_json: bool) -> PredictedAnswer | None:
    """Answer a question. None: it has no result that was shown."""
    tally, answered = Tally(), None
    try:
        example = answering.example(line, id=id)
        [answered] = answering.answer([example])
        answered = answering.with_alternatives(example, answered)
        tally.add(answered)
        _show(answering, answered, rows, as_json=as_json, many=False)
    except DstillError as problem:
        error(problem, as_json=as_json)
    warn_of_guesses(answering, tally)
    return answered if not as_json and answered and answered.outcome == OutcomeKind.OK else None


def _list_fields(answering: Predictor) -> None:
    shown = data_rows(answering.setup.task, answering.context)
    note(f"ask in English, in one sentence: the {answering.setup.task.data_noun} has")
    for name, words in shown["fields"][:FIELDS]:
        note(f"  {textwrap.shorten(f'{name}: {words}', WIDEST, placeholder=' …')}")
    if (left := len(shown["fields"]) - FIELDS) > 0:
        note(f"  … and {left:,} more")


def _advise(answering: Predictor, *, as_json: bool) -> None:
    """Say what a base gets wrong, and how to train it for this data."""
    for number, line in enumerate(() if as_json else answering.run.advice):
        note(line if number else f"note: {line}")


# --- answers ----------------------------------------------------------------------------


def _show(answering: Predictor, answered: PredictedAnswer, rows: Rows, *, as_json: bool, many: bool) -> None:
    if as_json:
        emit(answered.to_row())
        return
    task = answering.setup.task
    if answered.refused:
        say(f"refused: {_refusal(task, answered.answer)}")
    elif answered.answer:
        say(pretty(answered.answer, min(width(), WIDEST)) if task.json_answers else answered.answer, lines=True)
    if answered.read_back:
        say(f"in words: {answered.read_back}", lines=True)
    show_problems(answered)
    if answered.outcome == OutcomeKind.OK:
        show_result(task, answered, rows)
    elif not answered.refused:
        say(f"  {answered.reason}", lines=True)
    show_doubt(answered, many=many)
    for other in answered.alternatives:
        say(f"or: {other.read_back or textwrap.shorten(other.answer, QUESTION_WIDTH, placeholder=' …')}", lines=True)
        show_result(task, other, Rows(min(rows.limit, OTHER_ROWS), by=""))


def _refusal(task: Task, answer: str) -> str:
    """The reason of a refusal; one that only names what is missing gets a sentence."""
    reason = Presentation.of(task).refusal_reason(answer)
    return f"the data cannot answer this {reason}".rstrip() if reason[:1] in ("", "(") else reason
