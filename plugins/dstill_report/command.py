"""`dstill report RUN`."""

from __future__ import annotations

import click

from dstill.cli.app import App, app, json_option, run_argument
from dstill.cli.console import emit

__all__ = ["report"]


@click.command()
@run_argument
@click.option("--quiet", is_flag=True, help="Print nothing.")
@json_option
@app
def report(found: App, run: str, quiet: bool, as_json: bool) -> None:
    """Write an evaluated run's report: HTML, JSON, Markdown."""
    from dstill_report.page import write

    files = write(found.open(run))
    if as_json:
        emit({name: str(path) for name, path in files.items()})
    elif not quiet:
        for path in files.values():
            click.echo(path)
