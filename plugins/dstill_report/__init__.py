"""The report of a run: report.html (one file, no network), report.json and report.md.

    dstill report weblogs-20260301-1

Sections come from every plugin by the hook `report_sections`, this package's own among
them (`dstill_report.sections`); the headline and the failure browser are the page's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Iterable

from dstill import hookimpl
from dstill.api.records import Section
from dstill_report import command, sections

if TYPE_CHECKING:
    import click

    from dstill.runs.run import Run

__all__ = ["register_commands", "report_sections", "write_report"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    cli.add_command(command.report)


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    return sections.sections(run)


@hookimpl
def write_report(run: Run) -> Path:
    from dstill_report import page

    return page.write(run)["html"]
