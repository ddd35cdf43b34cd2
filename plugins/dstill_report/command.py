"""`dstill report RUN`."""

from __future__ import annotations

from typing import Any

import click

from dstill.cli.console import emit, say
from dstill.cli.groups import Command
from dstill.cli.options import App, json_option, pass_app, run_argument, set_option

__all__ = ["report"]


@click.command(cls=Command, section="Pipeline", examples=["dstill report runs/mine"])
@run_argument
@click.option(
    "--to",
    "form",
    type=click.Choice(["page", "inspect", "lm-eval"]),
    default="page",
    help="page: the report. inspect, lm-eval: files for other programs, see above.",
)
@click.option("--quiet", is_flag=True, help="Do not print anything.")
@json_option
@set_option
@pass_app
def report(app: App, run: str, form: str, quiet: bool, as_json: bool) -> None:
    """Write the report of an evaluated run.

    \b
    page     report.html, report.json and report.md in RUN
    inspect  logs for Inspect (inspect_ai), in RUN/exports/inspect
    lm-eval  results and samples in the format of the LM Evaluation Harness,
             in RUN/exports/lm-eval

    `dstill data export` writes the dataset to another folder: RUN/export, not RUN/exports.
    """  # noqa: D301 - click needs the character \b itself
    from dstill_report import inspect_log, lm_eval_files, page

    opened = app.open(run)
    if form == "page":
        by_format = page.write(opened)
        files = list(by_format.values())
        output: dict[str, Any] = {name: str(path) for name, path in by_format.items()}
    else:
        files = {"inspect": inspect_log.write, "lm-eval": lm_eval_files.write}[form](opened)
        output = {"folder": str(opened.folder / "exports" / form), "files": [str(path) for path in files]}
    if as_json:
        emit(output)
    elif not quiet:
        for path in files:
            say(str(path))
