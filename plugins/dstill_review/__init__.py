"""Lets a person review a sample of the dataset, or judge a student's answers, on a local page or in the terminal.

    dstill data review weblogs-20260301-1            # prints an address to open
    dstill data review weblogs-20260301-1 --tui
    dstill calibrate weblogs-20260301-1

Each decision is appended to RUN/review.jsonl immediately. The core decides what decisions mean for training and
whether there are enough of them (`dstill.quality.review`, `dstill.runs.judgements`). Page and terminal share `session`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill data review` and `dstill calibrate`."""
    from dstill.cli.groups import LazyCommand

    summary = "Review a sample of the dataset before training."
    cli.add_command(LazyCommand("data review", "dstill_review.command:review", summary))
    about = "Judge a student's answers to people's questions, so that --max-wrong can promise."
    cli.add_command(LazyCommand("calibrate", "dstill_review.calibrating:calibrate", about, section="Pipeline"))
