"""`dstill data review RUN`: reviews the dataset on a page or in the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dstill.api.splits import SPLITS
from dstill.cli.console import emit, note, say, table
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    engine_url_option,
    json_option,
    pass_app,
    run_argument,
    set_option,
    setting,
)
from dstill.errors import Interrupted
from dstill.io.shell import command
from dstill.io.units import percent
from dstill.quality.review import REVIEWED, sample_size

__all__ = ["duration", "review"]

SECONDS = 20  # of a person for one row
LONG = 30  # minutes
WIDTH = 0.1  # review.ci_half_width of a shorter review


@click.command(
    cls=Command,
    examples=["dstill data review runs/mine"],
)
@run_argument
@click.option("--tui", is_flag=True, help="Review in the terminal instead of the browser.")
@click.option("--all", "everything", is_flag=True, help="Review every row instead of a sample.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="SPLIT",
    help=f"Split to review (repeatable): {', '.join(SPLITS)}. Default: train and validation, the splits whose review "
    "`dstill train` requires.",
)
@setting(
    "--ci-half-width",
    key="review.ci_half_width",
    type=float,
    help="How precisely to estimate the share of good rows: 0.05 means ± 5 points at 95 % confidence. Smaller means "
    "more rows.",
)
@setting("--reviewer", key="review.reviewer", metavar="NAME", help="Name of the reviewer. Default: your login name.")
@setting("--port", key="review.port", type=Count(0, 65535), help="Port of the page. 0: any free port.")
@engine_url_option("Server that executes the answers, whose results the page shows")
@json_option
@set_option
@pass_app
def review(app: App, run: str, tui: bool, everything: bool, splits: tuple[str, ...], as_json: bool) -> None:
    """Review a sample of the dataset before training.

    Accept, reject or edit each row on a page that only this machine can open; the printed address works once. Decisions
    are saved immediately; run the same command again to continue. `train` drops rejected rows and uses edited ones.

    The review passes if every row of the sample is judged and at least review.min_accept of them (90 % unless set) were
    accepted without an edit. `train` requires it of datasets that a model wrote; those of the teachers synthetic and
    replay need none.
    """
    from dstill_review import serving, terminal
    from dstill_review.session import ReviewSession, split_names

    chosen = split_names(splits, REVIEWED)
    opened = app.open(run)
    with opened.stage("review") as facts, contextlib.ExitStack() as stack:
        if not tui:  # fail on a taken port before the executor is opened
            listener = stack.enter_context(serving.listening(opened.settings.review.port))
        executor = stack.enter_context(opened.setup.opened_executor())
        session = ReviewSession(opened, splits=chosen, everything=everything, executor=executor)
        progress, half_width = session.progress(), 1.0 if everything else opened.settings.review.ci_half_width
        if text := duration(progress["left"], progress["rows"], half_width):
            note(text)
        try:
            if tui:
                terminal.judge(session)
            else:
                serving.serve(session, listener, say=note)
        except KeyboardInterrupt:
            if session.current() is not None:
                raise _stopped(session.progress(), opened.folder, tui=tui) from None
        facts.update(session.progress(), splits=list(chosen))
    if as_json:
        emit({"run": str(opened.folder), **facts})
    else:
        _show(facts, opened.folder)


def duration(left: int, rows: int, half_width: float) -> str:
    """``367 rows take about 2.0 hours, …`` and what would be shorter; empty if the review is short."""
    minutes = left * SECONDS / 60
    if minutes < LONG:
        return ""
    text = f"{left} rows take about {minutes / 60:.1f} hours, at {SECONDS} s for a row"
    return text if half_width >= WIDTH else f"{text}; --ci-half-width {WIDTH} needs {sample_size(rows, WIDTH)} rows"


def _stopped(progress: Mapping[str, Any], folder: Path, *, tui: bool) -> Interrupted:
    return Interrupted(
        f"stopped; {progress['judged']} of {progress['sample']} rows are judged and saved",
        where=str(folder),
        hint=f"resume with: {command('data', 'review', folder, *(['--tui'] if tui else []))}",
    )


def _show(facts: Mapping[str, Any], folder: Path) -> None:
    rows = [
        [name or "none", str(of["sample"]), str(of["judged"]), _share(of["accepted"], of["judged"])]
        for name, of in facts["categories"].items()
    ]
    table(["category", "#sample", "#judged", "#accepted, %"], rows)
    say(
        f"{facts['judged']} of {facts['sample']} rows judged: {facts['accepted']} accepted, "
        f"{facts['rejected']} rejected, {facts['edited']} edited; {facts['skipped']} skipped"
    )
    if facts["rate"] is not None:
        low, high = 100 * facts["low"], 100 * facts["high"]
        say(f"accepted without edits: {percent(facts['rate'])} % [{low:.1f}, {high:.1f}]")
    say(f"next: {command(*(('data', 'review') if facts['left'] else ('train',)), folder)}")


def _share(hits: int, n: int) -> str:
    return percent(hits / n) if n else ""
