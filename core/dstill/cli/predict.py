"""The command `predict`: the student of a run answers one question, or many from stdin, in blocks.

    dstill predict mine "how many requests failed" --execute
    dstill predict mine --data school "how many pupils are there"
    dstill predict mine --self-consistency 8 --json < questions.jsonl

This module reads questions and shows answers; `dstill.stages.predict` does the work.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, BinaryIO, Self

import click

from dstill.api.protocols import Presentation
from dstill.api.records import Example, OutcomeKind
from dstill.api.task import Task, data_of
from dstill.cli.confidence import promises
from dstill.cli.console import emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    Number,
    constrain_option,
    data_option,
    engine_url_option,
    fallback_options,
    json_output,
    limit_option,
    max_wrong_option,
    pass_app,
    run_argument,
    seed_option,
    set_option,
)
from dstill.cli.results import Rows, show_result
from dstill.errors import AnswerError, DataError, DstillError, ServiceError, UsageError
from dstill.inputs.input_rows import given_data, given_id
from dstill.io.input_files import text_of
from dstill.io.jsonl import MAX_LINE, rows_from
from dstill.stages.predict import self_consistency
from dstill.stages.predict.answerable import Answerable
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import MOST_NAMES, Predictor

__all__ = [
    "Tally",
    "blocks",
    "predict",
    "questions_of_stdin",
    "show_doubt",
    "show_problems",
    "warn_of_guesses",
]

ANSWER_WIDTH = 300  # characters of an answer beside another one
BLOCK = 256  # questions that are answered together: a few batches, sorted by length
BOM = b"\xef\xbb\xbf"
ROWS = re.compile(rb'\{|\[\s*(?:[{"]|$)')  # a row, or a JSON array, which the reader of rows refuses with a hint


@click.command(
    cls=Command,
    section="Use",
    examples=[
        'dstill predict runs/mine "requests of the last hour by host"',
        "dstill predict runs/mine --json < questions.jsonl",
    ],
)
@run_argument
@click.argument("question", required=False)
@data_option("the question is about", "Default: what most questions of the run are about.")
@click.option("--execute", is_flag=True, help="Execute the answer and show its result.")
@engine_url_option(
    "Server that executes the answer, with --execute. With or without --execute, the fields of its data are "
    "compared with those that the student learned"
)
@click.option(
    "--num-samples",
    "samples",
    type=Count(2, 100),
    metavar="K",
    help="Return K answers: one by greedy decoding, the others sampled.",
)
@click.option(
    "--self-consistency",
    "voters",
    type=Count(2, 100),
    metavar="K",
    help="Sample K answers, execute them (as with --execute), and return the one with the most common result.",
)
@click.option(
    "--temperature",
    type=Number(0.01, 10),
    default=self_consistency.TEMPERATURE,
    help="Sampling temperature, for --num-samples and --self-consistency.",
)
@seed_option
@constrain_option
@max_wrong_option
@fallback_options
@limit_option
@json_output("Print one JSON object for each question.")
@set_option
@pass_app
def predict(
    app: App,
    /,
    run: str,
    question: str | None,
    data: str | None,
    execute: bool,
    limit: int,
    as_json: bool,
    **sampling: Any,
) -> None:
    """Answer a question with the student of a run.

    RUN may be a bundle (`dstill export --to bundle`), too.

    Without QUESTION, reads questions from stdin, as plain lines or as JSONL rows with "question", and answers them in
    blocks. A row may have an "id", and "data" (the name of the data to ask about) or a whole "context".

    Exits with 9 if an answer is invalid or, with --execute, fails to run. If the student refuses (it says that the data
    cannot answer), or abstains with --max-wrong, the command exits with 0.

    With --fallback, a large model answers where the student does not. Its answers pass the same checks. If it does not
    answer either, the student abstains.

    Warns if fields that the student learned no longer exist in the data. If the run was evaluated, it also warns of
    questions that are unlike all training questions.
    """
    wanted = Sampling.of(**sampling)
    opened = app.open_trained(run)
    tally = Tally()
    executes = execute or wanted.voters is not None
    with Predictor(opened, execute=executes, max_wrong=wanted.max_wrong, fallback=wanted.fallback) as answering:
        for line in promises(answering):
            note(f"note: {line}")
        for line in answering.drift(ask="engine.url" in app.flags):
            note(f"warning: {line}")
        questions = _asked(answering, question, data)
        many = question is None
        try:
            for block in blocks(questions):
                for group in wanted.answers(answering, block):
                    tally.add(group[0])
                    if as_json:
                        emit(_row(opened, group))
                    else:
                        _show(opened, group, many=many, limit=limit)
        finally:
            warn_of_guesses(answering, tally)
    if not as_json:
        for line in tally.notes():
            note(f"note: {line}")
    tally.end(f"run {opened.name}", as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How many answers to draw for each question, whether to vote, when to abstain, and whom to ask then."""

    samples: int | None
    voters: int | None
    temperature: float
    max_wrong: float | None
    fallback: str

    @classmethod
    def of(cls, *, samples: int | None, voters: int | None, max_wrong: float | None, **more: Any) -> Self:
        """From the command's options. Raises UsageError."""
        if voters is not None and samples is not None:
            hint = "omit one of them: --self-consistency returns one answer, --num-samples all of them"
            raise UsageError("these options exclude each other", where="--self-consistency, --num-samples", hint=hint)
        if max_wrong is not None and (samples or voters):
            hint = "omit one of them: the promise is about the one answer of greedy decoding"
            where = "--max-wrong, --self-consistency" if voters else "--max-wrong, --num-samples"
            raise UsageError("these options exclude each other", where=where, hint=hint)
        return cls(samples=samples, voters=voters, max_wrong=max_wrong, **more)

    def answers(self, answering: Predictor, block: Sequence[Example]) -> Iterator[list[PredictedAnswer]]:
        """For each question its answer; with `samples`, the greedy answer and then the sampled ones."""
        if self.voters is not None:
            chosen = self_consistency.vote(answering, block, self.voters, temperature=self.temperature)
            yield from ([question] for question in chosen)
        elif self.samples is not None:
            yield from answering.sample(block, self.samples, temperature=self.temperature)
        else:
            yield from ([answer] for answer in answering.answer(block))


@dataclass
class Tally:
    """Counts over the questions so far."""

    asked: int = 0
    bad: int = 0  # invalid, or failed to run
    lost: int = 0  # of these: the engine did not answer
    refused: int = 0
    abstained: int = 0
    by_fallback: int = 0  # answered by a large model, whether or not the answer can be used
    fallback: str = ""  # that model
    first: PredictedAnswer | None = None  # of the bad ones
    far: int = 0  # unlike every training question
    guess: PredictedAnswer | None = None  # the first of these

    def add(self, answered: PredictedAnswer) -> None:
        """Count one answer."""
        self.asked += 1
        if answered.by_fallback:
            self.by_fallback += 1
            self.fallback = answered.answered_by
        if answered.out_of_distribution and not answered.by_fallback:
            self.far += 1
            self.guess = self.guess or answered
        if answered.abstained:
            self.abstained += 1
        elif answered.refused:
            self.refused += not answered.by_fallback
        elif not answered.ok:
            self.bad += 1
            self.lost += answered.outcome == OutcomeKind.UNAVAILABLE
            self.first = self.first or answered

    def notes(self) -> Iterator[str]:
        """How many questions had no answer of the student, a line each."""
        if self.refused:
            refused = "to answer" if self.asked == 1 else f"{self.refused} of {self.asked} questions"
            yield f"the student refused {refused}"
        if self.abstained:
            yield f"abstained on {self.abstained:,} of {self.asked:,} questions"
        if self.by_fallback and self.asked > 1:
            yield f"{self.fallback} answered {self.by_fallback:,} of {self.asked:,} questions"

    def end(self, where: str, *, as_json: bool) -> None:
        """Raise AnswerError if an answer cannot be used, ServiceError if only the engine is to blame."""
        if self.first is None:
            return
        away = self.lost == self.bad
        if as_json:  # each row has its reason
            raise click.exceptions.Exit((ServiceError if away else AnswerError).exit_code)
        reason = self.first.reason if self.asked == 1 else f"{self.bad} of {self.asked} answers cannot be used"
        if away:
            raise ServiceError(reason, where=where, hint="check the engine, then ask again")
        raise AnswerError(reason, where=where, hint="--json shows what is wrong with each answer")


def warn_of_guesses(answering: Predictor, tally: Tally) -> None:
    """Warn about questions that are unlike all training questions, if their similarity is known."""
    if answering.nearness_unknown:
        note(f"note: the similarity to the training questions is not known: {answering.nearness_unknown}")
    guess = tally.guess
    if guess is None:
        return
    if tally.asked == 1:
        figure = f"similarity {guess.similarity:.2f}, below {guess.similarity_threshold}"
        note(f"warning: no training question is like this one ({figure}): the answer is a guess")
    else:
        figure = f"similarity below {guess.similarity_threshold}"
        note(
            f"warning: no training question is like {tally.far} of {tally.asked} questions ({figure}): "
            "these are marked as guesses"
        )


# --- answers ----------------------------------------------------------------------------


def _row(run: Answerable, answers: Sequence[PredictedAnswer]) -> dict[str, Any]:
    """The row of ``--json``. Of several answers, the greedy one, and under "samples" the distinct ones with counts."""
    row = answers[0].to_row()
    if len(answers) == 1:
        return row
    of_question = ("id", "question", "similarity")
    samples = [
        {"count": count, **{key: value for key, value in answer.to_row().items() if key not in of_question}}
        for answer, count in self_consistency.distinct(run.task, answers)
    ]
    return {**row, "samples": samples}


def _show(run: Answerable, answers: Sequence[PredictedAnswer], *, many: bool, limit: int) -> None:
    if many:
        say(f"# {answers[0].question}", lines=True)
    if len(answers) == 1:
        _show_answer(run, answers[0], many=many, limit=limit)
        return
    for answer, count in self_consistency.distinct(run.task, answers):
        say(f"{count} of {len(answers)}", bold=True)
        _show_answer(run, answer, many=True, limit=limit)


def _show_answer(run: Answerable, answered: PredictedAnswer, *, many: bool, limit: int) -> None:
    say(answered.answer or ("(abstained)" if answered.abstained else "(nothing)"), lines=True)
    if answered.refused and not many and (reason := Presentation.of(run.task).refusal_reason(answered.answer)):
        say(f"  refused: {reason}")
    if answered.read_back:
        _say_beside(f"in words: {answered.read_back}", many=many)
    show_problems(answered)
    if answered.votes:
        say(f"  {answered.votes}", lines=True)
    if answered.outcome == OutcomeKind.OK:
        show_result(run.task, answered, Rows(limit))
    if answered.abstained or (not answered.ok and many):
        say(f"  {answered.reason}", lines=True)
    show_doubt(answered, many=many)
    if answered.by_fallback:
        _say_beside(f"answered by {answered.answered_by}", many=many)


def show_doubt(answered: PredictedAnswer, *, many: bool) -> None:
    """Show how sure the student is and, of many questions, which is unlike all training questions."""
    if answered.first_answer:
        first = textwrap.shorten(answered.first_answer, ANSWER_WIDTH, placeholder=" …")
        _say_beside(f"a second look: {answered.second_look}. The first answer: {first}", many=many)
    if answered.confidence is not None and (answered.ok or answered.refused):
        doubt = f": {answered.guess}" if answered.guess and answered.confidence < 0.5 else ""
        _say_beside(f"confidence {answered.confidence:.3f}{doubt}", many=many)
    elif answered.ok and answered.unsure:
        _say_beside(f"{'a guess' if many else 'warning'}: {answered.guess}", many=many)
    if many and answered.out_of_distribution and not answered.by_fallback:
        say(f"  a guess: no training question is like this one (similarity {answered.similarity:.2f})")


def _say_beside(text: str, *, many: bool) -> None:
    """Beside one answer on stderr, so that stdout has the answer alone."""
    if many:
        say(f"  {text}")
    else:
        note(text)


def show_problems(answered: PredictedAnswer) -> None:
    """Show what the checks found, and how to repair it."""
    for problem in answered.problems:
        hint = f"\n    {problem.hint}" if problem.hint else ""
        say(f"  {problem.severity.value}: {problem.message}{hint}", lines=True)


# --- questions --------------------------------------------------------------------------


def _asked(answering: Predictor, question: str | None, data: str | None) -> Iterator[Example]:
    """QUESTION, or those of stdin."""
    if data is not None:
        answering.example("?", data=data, where="--data")  # raises for an unknown name before anything is answered
    if question is not None:
        yield _about(answering, UserQuestion(question=question, data=data), where="QUESTION")
    else:
        yield from questions_of_stdin(answering, data)


def questions_of_stdin(answering: Predictor, data: str | None) -> Iterator[Example]:
    """The questions of stdin: rows, or a question per line. They are about `data` unless a row says otherwise."""
    if sys.stdin.isatty():
        note("enter one question per line; Ctrl-D ends the input")
    lines = Lines(sys.stdin.buffer)
    written = ((n, UserQuestion(id=str(n), question=line)) for n, line in enumerate(lines, 1) if line.strip())
    number, untold = 0, True
    for number, row in _rows(lines, answering.run.task) if lines.begin_with(ROWS) else written:
        if row.data is None and not row.context:
            row = replace(row, data=data)
        yield _about(answering, row, where=f"stdin:{number}", tell=untold)
        untold = untold and (row.data is not None or bool(row.context))
    if not number:
        note("note: no questions on stdin")


@dataclass(frozen=True, kw_only=True)
class UserQuestion:
    """One question as the user gave it."""

    question: str
    id: str = "1"
    data: str | None = None  # name of the data that it is about
    context: Mapping[str, Any] = field(default_factory=dict)


def _about(answering: Predictor, row: UserQuestion, *, where: str, tell: bool = True) -> Example:
    """The example. Notes which data is used if the user named none and the run has several."""
    example = answering.example(row.question, id=row.id, where=where, data=row.data, context=row.context)
    task = answering.setup.task
    name = data_of(task, example)
    if tell and name and row.data is None and not row.context and len(answering.contexts) > 1:
        known = ", ".join(islice(answering.contexts, MOST_NAMES))
        note(f"note: asked about the {task.data_noun} '{name}'; choose with --data: {known}")
    return example


class Lines:
    """The lines of a stream; the first ones can be inspected before they are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead: list[bytes] = []  # inspected, not read yet
        self._read = 0

    def begin_with(self, start: re.Pattern[bytes]) -> bool:
        """Whether the first non-blank line matches `start`."""
        line = b"\n"
        while line and not line.removeprefix(BOM).strip():
            line = self._stream.readline(MAX_LINE)
            self._ahead.append(line)
        return start.match(line.removeprefix(BOM).strip()) is not None

    def readline(self, size: int = MAX_LINE) -> bytes:
        """The next line, as a file's `readline`. Raises UsageError with the line's number if it is not UTF-8."""
        line = self._ahead.pop(0) if self._ahead else self._stream.readline(size)
        self._read += 1
        text_of(line, first=self._read)
        return line

    def __iter__(self) -> Iterator[str]:
        for line in iter(self.readline, b""):
            yield line.decode("utf-8-sig" if self._read == 1 else "utf-8")


def _rows(lines: Lines, task: Task) -> Iterator[tuple[int, UserQuestion]]:
    for number, row in rows_from(lines, "stdin"):
        where = f"stdin:{number}"
        if not isinstance(row.get("question"), str):
            hint = 'rows are {"question": "…"}'
            raise DataError("row has no 'question'", where=where, hint=hint)
        data, context = given_data(row, task, where)
        yield number, UserQuestion(id=given_id(row, str(number)), question=row["question"], data=data, context=context)


def blocks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    """Blocks of examples. If a row is bad, the examples before it are answered first, then the error is raised."""
    block: list[Example] = []
    try:
        for example in examples:
            block.append(example)
            if len(block) == BLOCK:
                yield block
                block = []
    except DstillError:
        if block:
            yield block
        raise
    if block:
        yield block
