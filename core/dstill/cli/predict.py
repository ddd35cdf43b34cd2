"""The command `predict`: the student of a run answers one question, or those of stdin, block by block.

    dstill predict mine "how many requests failed" --execute
    dstill predict mine --data school "how many pupils are there"
    dstill predict mine --self-consistency 8 --json < questions.jsonl

What it does is in `dstill.pipeline.predict` and `dstill.pipeline.self_consistency`; here it is read and shown.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, BinaryIO, Iterable, Iterator, Mapping, Sequence

import click

from dstill.api.faults import about
from dstill.api.protocols import Presentation
from dstill.api.records import Example, OutcomeKind, Table
from dstill.api.task import Task, data_of
from dstill.cli.console import emit, note, say, table, width
from dstill.cli.groups import Command
from dstill.cli.input_rows import given_data, given_id
from dstill.cli.options import App, Count, app, constrain_option, json_option, seed_option, set_option, setting
from dstill.errors import AnswerError, DataError, DstillError, ServiceError, UsageError
from dstill.io.input_files import text_of
from dstill.io.jsonl import MAX_LINE, rows_from
from dstill.pipeline import self_consistency
from dstill.pipeline.predict import NAMED, PredictedAnswer, Predictor
from dstill.runs.run import Run

__all__ = ["predict"]

BLOCK = 256  # questions that are answered at once: a few batches, sorted by length
BOM = b"\xef\xbb\xbf"
ROWS = re.compile(rb'\{|\[\s*(?:[{"]|$)')  # a row; or a JSON array, whose reader says what is wanted


@click.command(
    cls=Command,
    section="Use",
    examples=[
        'dstill predict runs/mine "errors of the last hour by host"',
        "dstill predict runs/mine --json < questions.jsonl",
    ],
)
@click.argument("run", metavar="RUN", required=False)
@click.argument("question", required=False)
@click.option("--run", "run_option", hidden=True)  # the spelling of one release ago: --run RUN [QUESTION]
@click.option("--vote", is_flag=True, hidden=True)  # likewise: --num-samples K --vote
@click.option("--data", metavar="NAME", help="Name of the data to ask about. Default: the most common one in the run.")
@click.option("--execute", is_flag=True, help="Execute the answer and show its result.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Execute the answer on this server.")
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
    help="Sample K answers, execute them, and return the one with the most common result.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.01, 10),
    default=self_consistency.TEMPERATURE,
    help="Sampling temperature.",
)
@seed_option
@constrain_option
@json_option
@set_option
@app
def predict(
    found: App,
    run: str | None,
    question: str | None,
    run_option: str | None,
    data: str | None,
    execute: bool,
    samples: int | None,
    voters: int | None,
    vote: bool,
    temperature: float,
    as_json: bool,
) -> None:
    """Answer a question with the student of a run.

    Without QUESTION, reads questions from stdin, as plain lines or as JSONL rows with "question", and answers them in
    blocks. A row may have an "id", and "data" (the name of the data to ask about) or a whole "context". Exits with 9 if
    an answer is refused or invalid. Warns about fields that no longer exist, and about questions that are unlike all
    training questions (if the run was evaluated).
    """
    if run_option is not None:
        note("warning: `dstill predict --run RUN QUESTION` is now `dstill predict RUN QUESTION`")
        run, question = run_option, run
    if vote:
        note("warning: --num-samples K --vote is now --self-consistency K")
        voters, samples = samples, None
    if run is None:
        raise click.MissingParameter(param_hint="'RUN'", param_type="argument")
    if voters is not None and samples is not None:
        hint = "leave one of them out: --self-consistency returns one answer, --num-samples all of them"
        raise UsageError("these options exclude each other", where="--self-consistency, --num-samples", hint=hint)
    opened = found.open(run)
    tally = Tally()
    with Predictor(opened, execute=execute or voters is not None) as answering:
        for line in answering.drift(ask="engine.url" in found.flags):
            note(f"warning: {line}")
        asked = _asked(answering, question, data)
        many = question is None
        try:
            for block in _blocks(asked):
                for given in _given(answering, block, samples, voters, temperature):
                    tally.add(given[0])
                    if as_json:
                        emit(_row(opened, given))
                    else:
                        _show(opened, given, many=many)
        finally:
            _tell_far(answering, tally)
    tally.end(opened, as_json=as_json)


@dataclass
class Tally:
    """What came of all questions so far."""

    asked: int = 0
    bad: int = 0  # refused, invalid, or not run to the end
    lost: int = 0  # of these: the engine was not there
    first: PredictedAnswer | None = None  # of the bad ones
    far: int = 0  # were like no training question
    guess: PredictedAnswer | None = None  # the first of these

    def add(self, answered: PredictedAnswer) -> None:
        self.asked += 1
        if answered.out_of_distribution:
            self.far += 1
            self.guess = self.guess or answered
        if not answered.ok:
            self.bad += 1
            self.lost += answered.outcome == OutcomeKind.UNAVAILABLE
            self.first = self.first or answered

    def end(self, run: Run, *, as_json: bool) -> None:
        """Raises AnswerError where an answer is no use, ServiceError where that is the engine's fault alone."""
        if self.first is None:
            return
        away = self.lost == self.bad
        if as_json:  # each answer has said so itself
            raise click.exceptions.Exit((ServiceError if away else AnswerError).exit_code)
        reason = self.first.reason if self.asked == 1 else f"{self.bad} of {self.asked} answers are no use"
        if away:
            raise ServiceError(reason, where=f"run {run.name}", hint="see to the engine, and ask again")
        raise AnswerError(reason, where=f"run {run.name}", hint="--json shows each answer with what is wrong in it")


def _tell_far(answering: Predictor, tally: Tally) -> None:
    """Warn of questions that are not like those of training, where that is known."""
    if answering.nearness_unknown:
        note(f"note: whether a question is like those of training is not known: {answering.nearness_unknown}")
    guess = tally.guess
    if guess is None:
        return
    if tally.asked == 1:
        figure = f"similarity {guess.similarity:.2f}, below {guess.similarity_threshold}"
        note(f"warning: no training question is like this one ({figure}): the answer is a guess")
    else:
        figure = f"similarity below {guess.similarity_threshold}"
        note(f"warning: no training question is like {tally.far} of these {tally.asked} ({figure}): those are guesses")


# --- answers ----------------------------------------------------------------------------


def _given(
    answering: Predictor, block: Sequence[Example], samples: int | None, voters: int | None, temperature: float
) -> Iterator[list[PredictedAnswer]]:
    """To each question the answer, or the greedy one and those that were drawn."""
    if voters is not None:
        yield from ([one] for one in self_consistency.vote(answering, block, voters, temperature=temperature))
    elif samples is not None:
        yield from answering.sample(block, samples, temperature=temperature)
    else:
        yield from ([one] for one in answering.answer(block))


def _row(run: Run, given: Sequence[PredictedAnswer]) -> dict[str, Any]:
    """Of several answers those that differ stand below the greedy one, each with how often it came."""
    row = given[0].to_row()
    if len(given) == 1:
        return row
    beside = ("id", "question", "similarity")  # of the question, not of an answer
    samples = [
        {"count": count, **{key: value for key, value in one.to_row().items() if key not in beside}}
        for one, count in self_consistency.distinct(run.task, given)
    ]
    return {**row, "samples": samples}


def _show(run: Run, given: Sequence[PredictedAnswer], *, many: bool) -> None:
    if many:
        say(f"# {given[0].question}", lines=True)
    if len(given) == 1:
        _show_answer(run, given[0], many=many)
        return
    for one, count in self_consistency.distinct(run.task, given):
        say(f"{count} of {len(given)}", bold=True)
        _show_answer(run, one, many=True)


def _show_answer(run: Run, answered: PredictedAnswer, *, many: bool) -> None:
    say(answered.answer or "(nothing)", lines=True)
    for problem in answered.problems:
        say(f"  {problem.severity.value}: {problem.message} {problem.hint}".rstrip(), lines=True)
    if answered.votes:
        say(f"  {answered.votes}", lines=True)
    if answered.outcome == OutcomeKind.OK:
        with about(answered.id):
            _show_result(run.task, answered.result)
    if not answered.ok and many:
        say(f"  {answered.reason}", lines=True)


def _show_result(task: Task, result: Any) -> None:
    """In tables where the task has them; one without columns is its title."""
    laid_out = Presentation.of(task).result_tables(result)
    if not laid_out:
        say(Presentation.of(task).render_result(result), lines=True)
    for one in laid_out:
        if one.columns:
            _show_table(one)
        else:
            say(one.title)


def _show_table(shown: Table) -> None:
    """As many columns as there is room for."""
    count = len(shown.columns)
    widths = [max(map(len, column)) + 2 for column in zip(shown.columns, *shown.rows, strict=True)]
    while sum(widths[:count]) > width() and count > len(widths) - shown.spare:
        count -= 1
    table(shown.columns[:count], [row[:count] for row in shown.rows], title=shown.title)


# --- questions --------------------------------------------------------------------------


def _asked(answering: Predictor, question: str | None, data: str | None) -> Iterator[Example]:
    """QUESTION, or those of stdin: rows with one, or a question a line; about `data` unless a row says otherwise."""
    if data is not None:
        answering.example("?", data=data, where="--data")  # an unknown name is an error before anything is answered
    if question is not None:
        yield _about(answering, Asked(question=question, data=data), where="QUESTION")
        return
    if sys.stdin.isatty():
        note("a question a line; Ctrl-D ends them")
    lines = Lines(sys.stdin.buffer)
    written = ((n, Asked(id=str(n), question=line)) for n, line in enumerate(lines, 1) if line.strip())
    number, untold = 0, True
    for number, row in _rows(lines, answering.run.task) if lines.begin_with(ROWS) else written:
        if row.data is None and not row.context:
            row = replace(row, data=data)
        yield _about(answering, row, where=f"stdin:{number}", tell=untold)
        untold = untold and (row.data is not None or bool(row.context))
    if not number:
        note("note: there was no question on stdin")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question as it was given."""

    question: str
    id: str = "1"
    data: str | None = None  # the name of the data that it is about
    context: Mapping[str, Any] = field(default_factory=dict)


def _about(answering: Predictor, asked: Asked, *, where: str, tell: bool = True) -> Example:
    """The example; says which data is taken where nobody said it and the run knows several."""
    example = answering.example(asked.question, id=asked.id, where=where, data=asked.data, context=asked.context)
    task = answering.setup.task
    name = data_of(task, example)
    if tell and name and asked.data is None and not asked.context and len(answering.contexts) > 1:
        known = ", ".join(islice(answering.contexts, NAMED))
        note(f"note: asked about the {task.data_noun} '{name}'; --data chooses one of {known}")
    return example


class Lines:
    """A stream as far as it was read: its lines, of which the first may be looked at before."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._held: list[bytes] = []  # read, and not given out
        self._given = 0

    def begin_with(self, start: re.Pattern[bytes]) -> bool:
        """Whether the first line that is not blank does."""
        line = b"\n"
        while line and not line.removeprefix(BOM).strip():
            line = self._stream.readline(MAX_LINE)
            self._held.append(line)
        return start.match(line.removeprefix(BOM).strip()) is not None

    def readline(self, size: int = MAX_LINE) -> bytes:
        """As of a file, and only text: raises UsageError with the number of a line that is not UTF-8."""
        line = self._held.pop(0) if self._held else self._stream.readline(size)
        self._given += 1
        text_of(line, first=self._given)
        return line

    def __iter__(self) -> Iterator[str]:
        for line in iter(self.readline, b""):
            yield line.decode("utf-8-sig" if self._given == 1 else "utf-8")


def _rows(lines: Lines, task: Task) -> Iterator[tuple[int, Asked]]:
    for number, row in rows_from(lines, "stdin"):
        where = f"stdin:{number}"
        if not isinstance(row.get("question"), str):
            hint = 'rows are {"question": "…"}'
            raise DataError("row has no 'question'", where=where, hint=hint)
        data, context = given_data(row, task, where)
        yield number, Asked(id=given_id(row, str(number)), question=row["question"], data=data, context=context)


def _blocks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    """A block as soon as it is full; what stands before a bad row is answered before that is told."""
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
