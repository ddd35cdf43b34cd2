"""The report of a run: report.html (one file, no network), report.json and report.md.

    dstill report weblogs-20260301-1

Every plugin can add sections through the hook `report_sections`; those of this package are in
`dstill_report.sections`. The verdict and the browser of answers are part of the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from dstill.api.records import Section
    from dstill.runs.run import Run

__all__ = ["register_commands", "report_sections", "write_report"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill report`."""
    from dstill.cli.groups import LazyCommand

    summary = "Write the report of an evaluated run."
    cli.add_command(LazyCommand("report", "dstill_report.command:report", summary, section="Pipeline"))


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    """Sections on scores, comparison, confidence, training, the dataset, time and cost."""
    from dstill_report.sections import sections

    return sections(run)


@hookimpl
def write_report(run: Run) -> Path:
    """Write the three files of the report; returns the path of the HTML page."""
    from dstill_report import page

    return page.write(run)["html"]
