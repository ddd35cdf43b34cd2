"""A person's spot-check of a dataset before training: a page on this machine, or the same in the terminal.

    dstill review weblogs-20260301-1            # prints an address to open
    dstill review weblogs-20260301-1 --tui

Decisions go to RUN/review.jsonl, one durable row each; what they do to training and to scores, and whether they are
enough, is the core's (`dstill.pipeline.review`). `session` is what page and terminal share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from dstill.cli.groups import LazyCommand

    summary = "Review a sample of the dataset before training."
    cli.add_command(LazyCommand("review", "dstill_review.command:review", summary, section="Pipeline"))
