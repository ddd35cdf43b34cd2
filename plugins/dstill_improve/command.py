"""`dstill improve RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dstill.cli.console import emit, note, progress, say, table
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    cap_options,
    engine_url_option,
    json_option,
    pass_app,
    run_argument,
    set_option,
    teacher_option,
)
from dstill.errors import FailedItems
from dstill.io.shell import command

if TYPE_CHECKING:
    from dstill_improve.improving import Improved

__all__ = ["improve"]


@click.command(
    cls=Command,
    section="Pipeline",
    examples=[
        "dstill improve runs/mine --feedback feedback.jsonl",
        "dstill improve runs/mine --feedback feedback.jsonl --gate own-questions.jsonl --out runs/better",
    ],
)
@run_argument
@click.option(
    "--feedback",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="What users said about answers, from `dstill serve --feedback FILE`.",
)
@click.option(
    "--gate",
    "gate_file",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Questions with answers that decide, and that nothing else may use: a file or a folder. Default: answers that "
    "people judged (`dstill calibrate`), else half of the feedback, and half of the run's test splits; for a run that "
    "is a candidate itself, the gate that it met.",
)
@click.option(
    "--rows",
    type=Count(0, 10**6),
    help="Maximum number of new questions like those that the student fails at. Default: a quarter of the training "
    "rows.",
)
@click.option(
    "--samples",
    type=Count(0, 64),
    default=8,
    help="Answers to draw for a question that neither a person nor the teacher answers. 0: none.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the candidate. An unfinished one is continued. Default: a new folder under ./runs.",
)
@teacher_option
@engine_url_option("Execute answers on this server")
@cap_options
@json_option
@set_option
@pass_app
def improve(
    app: App,
    run: str,
    feedback: Path | None,
    gate_file: Path | None,
    rows: int | None,
    samples: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train a better student from feedback and failures; keep it only if it is better.

    Adds training rows to those of RUN: corrected and confirmed answers of users, questions like those that the student
    fails at, and answers of the teacher to what nobody answered. Trains a candidate on them, a new run. It is accepted
    only if it is better than RUN on the questions of people in the gate, which nothing else uses, and worse on none of
    its sets. If there are only synthetic questions, which RUN answers nearly all, it only must not be worse. Otherwise
    it stays for a look, and the exit code is 3.
    """
    from dstill_improve.improving import improve as run_improvement
    from dstill_improve.rows import Sources

    opened = app.open(run)
    with progress() as report:
        opened.progress = report
        result = run_improvement(
            opened,
            out=out,
            gate_file=gate_file,
            sources=Sources(feedback=feedback, rows=rows, samples=samples),
        )
    if as_json:
        emit({"run": str(result.run.folder), **result.run.stages["improve"], **result.decision.to_row()})
    else:
        _show(result)
    if not result.decision.accepted:
        raise FailedItems(
            f"the candidate is rejected: {result.decision.why}",
            where=str(result.run.folder),
            hint=f"go on with {opened.folder}; the candidate stays for a look",
        )


def _show(result: Improved) -> None:
    from dstill_improve.text import COLUMNS, SYNTHETIC_ALONE, new_rows_line, set_rows, verdict

    facts = result.run.stages["improve"]
    note(new_rows_line(facts["rows"], facts["left_out"], facts["removed"]))
    table(COLUMNS, set_rows(result.decision), title=f"right answers of both students; gate: {facts['gate']['source']}")
    say(verdict(result.decision), lines=True)
    if not result.decision.by_people:
        note(f"note: {SYNTHETIC_ALONE}")
    if result.decision.accepted:
        say(f"next: {command('evaluate', result.run.folder)}; {command('serve', result.run.folder)}")
