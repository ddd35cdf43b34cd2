"""`dstill calibrate RUN`: people judge a student's answers, and their judgements say what it may promise."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from dstill.api.records import Example
from dstill.cli.confidence import SHARES, show_promises
from dstill.cli.console import emit, note, progress
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    constrain_option,
    engine_url_option,
    json_option,
    pass_app,
    run_argument,
    set_option,
    setting,
)
from dstill.errors import DataError, Interrupted
from dstill.inputs import feedback as saying
from dstill.inputs.question_files import read_questions
from dstill.io.input_files import bytes_of, text_of
from dstill.io.shell import command
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor

__all__ = ["calibrate"]

MOST_BYTES = 2**20  # of a text file: 2,000 questions are answered at most


@click.command(
    cls=Command,
    examples=[
        "dstill calibrate runs/mine --questions our-questions.txt --tui",
        "dstill calibrate runs/mine --feedback feedback.jsonl",
    ],
)
@run_argument
@click.option(
    "--questions",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Questions that people asked: text with a question in each line, or as for `generate`. Those with answers "
    "need no judgement.",
)
@click.option(
    "--feedback",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="What users said about answers, from `dstill serve --feedback FILE`.",
)
@click.option("--tui", is_flag=True, help="Judge in the terminal instead of the browser.")
@setting("--port", key="review.port", type=Count(0, 65535), help="Port of the page. 0: any free port.")
@constrain_option
@engine_url_option("Server that executes the answers, whose results are shown")
@json_option
@set_option
@pass_app
def calibrate(app: App, run: str, questions: Path | None, feedback: Path | None, tui: bool, as_json: bool) -> None:
    """Judge a student's answers to people's questions, so that --max-wrong can promise.

    Takes questions of people from your files, from feedback, from own validation rows of RUN, and those that you type.
    The student answers each; you see question, answer and result, and say whether it is right. Each judgement is saved
    at once; call again to go on. Questions with a reference answer count without your help. Those that the student
    learnt do not count.

    With 60 judgements the confidence is calibrated. With fewer, nothing is promised, and the exit code is 4.
    """
    from dstill.runs.judgements import FILE, LEAST, Judgements
    from dstill_review import serving, terminal
    from dstill_review.judging import JudgingSession

    opened = app.open(run)
    given: list[str | Path] = ["--questions", questions] if questions else []
    again = command("calibrate", opened.folder, *given, *(["--tui"] if tui else []))
    rows, opinions = _read(opened, questions), saying.read(feedback) if feedback else ()
    with opened.stage("calibrate") as facts, contextlib.ExitStack() as stack:
        if not tui:  # fail on a taken port before the student is loaded
            listener = stack.enter_context(serving.listening(opened.settings.review.port))
        executor = stack.enter_context(opened.setup.opened_executor(judging=True))
        predictor = stack.enter_context(Predictor(opened))
        with progress() as report:
            opened.progress = report
            judgements = Judgements(
                opened,
                predictor,
                executor,
                questions=[_about(predictor, row) for row in rows],
                feedback=opinions,
            )
        _note(judgements.left_out, "questions do not count: the student learnt them, or they are about unknown data")
        _note(judgements.not_given, "answers need no judgement: the checks refuse them, so they are never given")
        if judgements.open or judgements.missing:
            session = JudgingSession(opened, judgements, executor)
            try:
                if tui:
                    terminal.judge(session)
                else:
                    serving.serve(session, listener, say=note)
            except KeyboardInterrupt:
                count = len(judgements.judged)
                raise Interrupted(
                    f"stopped; {count} judgements are saved",
                    where=str(opened.folder / FILE),
                    hint=f"go on with: {again}",
                ) from None
        calibration = judgements.fit()
        judgements.save(calibration)
        judged = [bool(answer.right) for answer in judgements.judged]
        facts.update(judged=len(judged), wrong=judged.count(False), open=len(judgements.open))
    if calibration is None:
        raise DataError(
            f"{len(judged)} of {LEAST} judgements: {judgements.missing} more are needed before anything is promised",
            where=str(opened.folder / FILE),
            hint=f"go on with: {again}",
        )
    promises = [calibration.promise(share) for share in SHARES]
    if as_json:
        emit({"run": str(opened.folder), **facts, "promises": [promise.to_row() for promise in promises]})
    else:
        show_promises(opened.folder, calibration, promises)


def _read(run: Run, file: Path | None) -> Sequence[Example]:
    """The questions of a file; one of text has a question in each line. Raises DataError."""
    if file is None:
        return ()
    if file.suffix == ".txt":
        lines = text_of(bytes_of(file, "--questions", most=MOST_BYTES), str(file)).splitlines()
        return [Example(id=str(n), question=line) for n, line in enumerate(lines, 1) if line.strip()]
    return read_questions(file, parse=run.task.parse, json_answers=run.task.json_answers, one_answer=True)


def _about(predictor: Predictor, row: Example) -> Example:
    """A question about the data that the run knows. Raises UsageError."""
    asked = predictor.example(row.question, id=row.id, context=row.context, where=f"question '{row.id}'")
    return replace(asked, answer=row.answer)


def _note(count: int, what: str) -> None:
    if count:
        note(f"note: {count:,} {what}")
