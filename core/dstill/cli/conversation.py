"""A conversation at the terminal of `dstill ask`: questions that may go on from the one before, and a few words.

    Conversation(predictor, Rows(20, by=MORE), as_json=False).run()     until `exit`, Ctrl-D or Ctrl-C

`help` lists the fields, `more` shows more rows of the last result, and a number takes the answer that was offered under
it: then the next question goes on from that one. With a memory, `right` and `wrong` say so of the last answer, and a
number remembers what was taken.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace

import click

from dstill.api.protocols import Presentation
from dstill.api.records import Example, OutcomeKind
from dstill.api.task import Task, data_of
from dstill.cli.console import emit, error, note, prompt, say, width
from dstill.cli.predict import Tally, show_doubt, show_problems, warn_of_guesses
from dstill.cli.results import MORE, Rows, has_more, show_result
from dstill.errors import DstillError, Interrupted
from dstill.inputs.feedback import RIGHT, WRONG
from dstill.io.pretty_json import pretty
from dstill.stages.predict.answer_objects import data_rows
from dstill.stages.predict.predicted import MEMORY, PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = ["Conversation", "show_answer"]

WIDEST = 100  # columns of an answer
QUESTION_WIDTH = 300  # characters of a question
OTHER_ROWS = 3  # that are shown of an alternative
FIELDS = 40  # that `help` lists


class Conversation:
    """What was asked so far."""

    def __init__(self, answering: Predictor, rows: Rows, *, as_json: bool) -> None:
        self._answering, self._task, self._rows, self._as_json = answering, answering.setup.task, rows, as_json
        self._before: Sequence[tuple[str, str]] = ()  # the question that the next one may go on from, with its answer
        self._last: PredictedAnswer | None = None  # whose result was shown last
        self._page = rows  # of that result
        self._asked = 0

    def run(self) -> None:
        """Answer lines of the terminal one by one. An error ends only its question."""
        note("enter one question per line, which may go on from the one before; `help` lists the fields, `exit` ends")
        for line in iter(_typed, ""):
            words = line.strip()
            if words == "help":
                self._list_fields()
            elif words == MORE and self._has_more():
                self._page = self._page.after()
                show_result(self._task, self._shown(), self._page)
            elif words.isdecimal() and 0 < int(words) <= len(self._offered()):
                first, taken = self._shown(), self._offered()[int(words) - 1]
                self._show(taken)
                self._remember(first, WRONG, taken.answer)
            elif words in (RIGHT, WRONG) and self._answering.memory and self._last and self._last.answer:
                self._remember(self._last, words, None)
            elif words:
                self._asked += 1
                self._ask(words)

    def _ask(self, question: str) -> None:
        answering, tally = self._answering, Tally()
        self._last = None
        try:
            example = answering.example(question, id=str(self._asked), after=self._before)
            if example.question != question:
                note(f"read as: {' '.join(example.question.split())}")
            (answered,) = answering.answer([example])
            answered = answering.with_alternatives(example, answered)
            tally.add(answered)
            self._show(answered)
        except DstillError as problem:
            error(problem, as_json=self._as_json)
        warn_of_guesses(answering, tally)

    def _show(self, answered: PredictedAnswer) -> None:
        """Show an answer. The next question may go on from it if it passes the checks."""
        self._last, self._page = answered, self._rows
        if answered.ok:
            self._before = [(answered.question, answered.answer)]
        show_answer(self._task, answered, self._rows, as_json=self._as_json)
        if answered.alternatives and not self._as_json:
            numbers = ", ".join(map(str, range(1, 1 + len(answered.alternatives))))
            note(f"to take another one, enter its number: {numbers}")

    def _remember(self, answered: PredictedAnswer, verdict: str, correction: str | None) -> None:
        """Add what the user says of an answer to the feedback file."""
        memory, task = self._answering.memory, self._task
        if memory is None:
            return
        try:
            memory.append(
                answered,
                verdict,
                correction,
                model=self._answering.run.name,
                data=data_of(task, Example(id="", question="", context=self._answering.context)),
            )
            note(f"noted in {memory.file}" + (": the same question gets this answer again" if verdict == RIGHT else ""))
        except DstillError as problem:
            error(problem, as_json=self._as_json)

    def _shown(self) -> PredictedAnswer:
        assert self._last is not None
        return self._last

    def _has_more(self) -> bool:
        last = self._last
        if last is None or last.outcome != OutcomeKind.OK or self._as_json:
            return False
        return has_more(self._task, last, self._page)

    def _offered(self) -> Sequence[PredictedAnswer]:
        last = self._last
        return () if last is None else [replace(other, question=last.question) for other in last.alternatives]

    def _list_fields(self) -> None:
        shown = data_rows(self._task, self._answering.context)
        note(f"ask in English, in one sentence: the {self._task.data_noun} has")
        for name, words in shown["fields"][:FIELDS]:
            note(f"  {textwrap.shorten(f'{name}: {words}', WIDEST, placeholder=' …')}")
        if (left := len(shown["fields"]) - FIELDS) > 0:
            note(f"  … and {left:,} more")


def _typed() -> str:
    """The next line of the terminal; empty if the user ends the input. Ctrl-C ends the command without an error."""
    try:
        prompt("> ")
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        prompt("\n")
        raise click.exceptions.Exit(Interrupted.exit_code) from None
    return "" if line.strip() in ("exit", "quit") else line


# --- answers ----------------------------------------------------------------------------


def show_answer(task: Task, answered: PredictedAnswer, rows: Rows, *, as_json: bool, many: bool = False) -> None:
    """Show an answer with its result and what is offered beside it. `many`: it is one of several."""
    if as_json:
        emit(answered.to_row())
        return
    if answered.refused:
        say(f"refused: {_refusal(task, answered.answer)}")
    elif answered.answer:
        say(pretty(answered.answer, min(width(), WIDEST)) if task.json_answers else answered.answer, lines=True)
    if answered.read_back:
        say(f"in words: {answered.read_back}", lines=True)
    if answered.answered_by == MEMORY:
        say("from memory: somebody said that this answer is right")
    if answered.glossary:
        say(f"glossary: {'; '.join(answered.glossary)}", lines=True)
    show_problems(answered)
    if answered.outcome == OutcomeKind.OK:
        show_result(task, answered, rows)
    elif not answered.refused:
        say(f"  {answered.reason}", lines=True)
    show_doubt(answered, many=many)
    _show_others(task, answered, rows)


def _show_others(task: Task, answered: PredictedAnswer, rows: Rows) -> None:
    """Show what is offered beside an answer, and in what it differs."""
    for number, other in enumerate(answered.alternatives, 1):
        words = other.read_back or textwrap.shorten(other.answer, QUESTION_WIDTH, placeholder=" …")
        say(f"or {number}: {words}", lines=True)
        show_result(task, other, Rows(min(rows.limit, OTHER_ROWS), by=""))
    if answered.question_back:
        say(answered.question_back, lines=True)


def _refusal(task: Task, answer: str) -> str:
    """The reason of a refusal; one that only names what is missing gets a sentence."""
    reason = Presentation.of(task).refusal_reason(answer)
    return f"the data cannot answer this {reason}".rstrip() if reason[:1] in ("", "(") else reason
