"""Runs, reports, comparisons, review and playground under one address, for a team.

    dstill ui                                        # http://127.0.0.1:8000, for this machine
    dstill ui --host 0.0.0.0 --token-env TEAM_TOKEN  # for who knows the token

    GET  /                        the runs                      GET  /compare?run=a&run=b
    GET  /runs/NAME/report        its report                    GET, POST  /login   /logout
         /runs/NAME/review/…      the application of `dstill data review`
         /runs/NAME/play/…        the application of `dstill serve`, its API included

`access` decides who may use them, `overview` reads the runs, `reports` finds or writes a report, `on_demand` opens
and closes reviews and students, and `pages` renders what is not a page of another plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill ui`."""
    from dstill.cli.groups import LazyCommand

    summary = "Show runs, reports, review and playground to a team, under one address."
    cli.add_command(LazyCommand("ui", "dstill_ui.command:ui", summary, section="Use"))
