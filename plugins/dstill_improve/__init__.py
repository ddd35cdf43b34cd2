"""Makes a run better with what people said about its answers, and with what it fails at: `dstill improve RUN`.

    feedback and failures → rows.new_rows → a candidate (a branch of the run), trained → gate.decide → accepted or not

The candidate is accepted only if it is better than its parent on questions that nothing else has used (`gate_set`), and
worse on none of their sets (`gate`). So a teacher, a user or a vote that likes wrong answers costs a training, and no
more. `ledger` counts how often a gate was used: each use is tested at a stricter level.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.records import Section
    from dstill.runs.run import Run

__all__ = ["register_commands", "report_sections"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill improve`."""
    from dstill.cli.groups import LazyCommand

    summary = "Train a better student from feedback and failures; keep it only if it is better."
    cli.add_command(LazyCommand("improve", "dstill_improve.command:improve", summary, section="Pipeline"))


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    """The section *Improvement* of a candidate's report."""
    from dstill_improve.text import sections

    return sections(run)
