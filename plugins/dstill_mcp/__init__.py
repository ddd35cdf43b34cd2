"""Serves a student to agents: an MCP server (Model Context Protocol) over stdin and stdout.

    dstill mcp weblogs-20260301-1             # started by the agent's program, which ends it by closing stdin

    describe    what the data are, and what is promised of answers
    ask         question → answer, checked; with "execute" also its result
    check       answer → what the checks find in it
    run         answer → checked, then run, and its result as a bounded table

`tools` has the four tools, which are thin layers on `dstill.Predictor`, and `server` speaks the
protocol, with the official SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill mcp`."""
    from dstill.cli.groups import LazyCommand

    summary = "Serve the student to agents over MCP (Model Context Protocol)."
    cli.add_command(LazyCommand("mcp", "dstill_mcp.command:mcp", summary, section="Use"))
