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

from dstill.api.records import Example, OutcomeKind
from dstill.cli.console import note, say
from dstill.cli.conversation import Conversation, show_answer
from dstill.cli.groups import Command
from dstill.cli.options import App, engine_url_option, json_output, limit_option, pass_app, set_option, task_option
from dstill.cli.predict import Tally, blocks, questions_of_stdin, warn_of_guesses
from dstill.cli.ready import about_data
from dstill.cli.results import MORE, Rows, write_csv
from dstill.errors import UsageError
from dstill.io.shell import command
from dstill.stages.predict.answerable import Answerable
from dstill.stages.predict.predictor import Predictor, question_text

__all__ = ["ask"]

QUESTION_WIDTH = 300  # characters of a question


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
@click.option(
    "--feedback",
    "remembered",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File of people's verdicts. Answers that somebody confirmed are given again; on a terminal, `right` and "
    "`wrong` add one.",
)
@click.option("--page", is_flag=True, help="Ask on a web page, on a free port of this machine, until Ctrl-C.")
@json_output("Print one JSON object for each question.")
@set_option
@pass_app
def ask(
    app: App,
    questions: tuple[str, ...],
    spec: str | None,
    limit: int,
    file: Path | None,
    remembered: Path | None,
    page: bool,
    as_json: bool,
) -> None:
    """Ask about the data on a server, without a project or training.

    Reads the fields of the data and their common values from the server, lets a trained student write the answer,
    checks it, runs it there and shows the result. Questions are in English, and each stands alone. Without QUESTION,
    reads questions from stdin, as `predict` does; on a terminal, each one is answered at once, and may go on from the
    one before ("only those from May", "how many are there?").

    With --page, answers on a web page, as `serve` does for a trained student.

    Exits with 9 if an answer is invalid or fails to run, and with 0 if the student refuses (it says that the data
    cannot answer).
    """
    if len(questions) > 1 and not any(" " in text for text in questions):
        questions = (" ".join(questions),)
        note("these words are read as one question; put a question in quotes")
    if page:
        _serve_page(questions, spec, remembered)
        return
    if file is not None and len(questions) != 1:
        hint = f"{command('ask', '--csv', file)} … 'ONE QUESTION'"
        raise UsageError("a CSV file has the result of one question", where="--csv", hint=hint)
    where = ["QUESTION" if len(questions) == 1 else f"QUESTION {number}" for number, _ in enumerate(questions, 1)]
    texts = [question_text(*pair) for pair in zip(questions, where, strict=True)]  # before anything takes time
    tally = Tally()
    with about_data(app, spec, "ask") as student, _predictor(student, remembered) as answering:
        if not questions and sys.stdin.isatty():
            _advise(answering, as_json=as_json)
            Conversation(answering, Rows(limit, by=MORE), as_json=as_json).run()
            return
        many = len(texts) != 1
        try:
            for block in blocks(_examples(answering, texts)):
                for example, answered in zip(block, answering.answer(block), strict=True):
                    answered = answering.with_alternatives(example, answered)
                    tally.add(answered)
                    if not as_json:
                        say(textwrap.shorten(answered.question, QUESTION_WIDTH, placeholder=" …"), bold=True)
                    show_answer(answering.setup.task, answered, Rows(limit), as_json=as_json, many=many)
                    if file is not None and answered.outcome == OutcomeKind.OK:
                        write_csv(answering.setup.task, answered, file)
        finally:
            warn_of_guesses(answering, tally)
        if tally.asked:
            _advise(answering, as_json=as_json)
    tally.end(f"student {student.name}", as_json=as_json)


def _predictor(student: Answerable, remembered: Path | None) -> Predictor:
    from dstill.stages.predict.live_data import data_name
    from dstill.stages.predict.memory import Memory

    memory = None if remembered is None else Memory(student.task, remembered, data_name(student.setup))
    return Predictor(student, execute=True, memory=memory)


def _serve_page(questions: Sequence[str], spec: str | None, remembered: Path | None) -> None:
    """Hand over to the command `serve`. Raises UsageError for a QUESTION, or if no plugin has that command."""
    if questions:
        raise UsageError("--page takes no QUESTION", where="QUESTION", hint="ask it on the page")
    context = click.get_current_context()
    outermost = context.find_root().command
    serve = outermost.get_command(context, "serve") if isinstance(outermost, click.Group) else None
    if serve is None:
        raise UsageError("no plugin has the page", where="--page", hint="pip install 'dstill[serve]'")
    context.invoke(serve, run=spec, port=0, feedback=remembered, remember=remembered is not None)


def _examples(answering: Predictor, questions: Sequence[str]) -> Iterator[Example]:
    """QUESTION, or those of stdin."""
    if not questions:
        yield from questions_of_stdin(answering, None)
    for number, text in enumerate(questions, 1):
        yield answering.example(text, id=str(number))


def _advise(answering: Predictor, *, as_json: bool) -> None:
    """Say what a base gets wrong, and how to train it for this data."""
    for number, line in enumerate(() if as_json else answering.run.advice):
        note(line if number else f"note: {line}")
