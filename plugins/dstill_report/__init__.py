"""The report of a run: report.html (one file, no network), report.json and report.md.

    dstill report weblogs-20260301-1

Sections come from every plugin by the hook `report_sections`, this package's own among
them (`dstill_report.sections`); the headline and the failure browser are the page's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from dstill import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from dstill.api.records import Section
    from dstill.runs.run import Run

__all__ = ["register_commands", "report_sections", "write_report"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from dstill.cli.groups import LazyCommand

    summary = "Write the report of an evaluated run."
    cli.add_command(LazyCommand("report", "dstill_report.command:report", summary, section="Pipeline"))


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    from dstill_report.sections import sections

    return sections(run)


@hookimpl
def write_report(run: Run) -> Path:
    from dstill_report import page

    return page.write(run)["html"]
