"""`dstill mcp RUN`: serves the student to an agent over stdin and stdout."""

from __future__ import annotations

import click

from dstill.cli.console import note
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    constrain_option,
    engine_url_option,
    fallback_options,
    max_wrong_option,
    pass_app,
    run_argument,
    set_option,
)
from dstill.cli.ready import ready
from dstill.errors import Interrupted

__all__ = ["mcp"]


@click.command(cls=Command, section="Use", examples=["dstill mcp runs/mine --max-wrong 0.2"])
@run_argument
@click.option(
    "--execute/--no-execute",
    default=True,
    help="Execute an answer if the agent asks for it. With --no-execute: never, and there is no tool 'run'.",
)
@engine_url_option("Execute answers on this server")
@constrain_option
@max_wrong_option
@fallback_options
@set_option
@pass_app
def mcp(app: App, run: str, execute: bool, max_wrong: float | None, fallback: str) -> None:
    """Serve the student to agents over MCP (Model Context Protocol).

    The agent's program starts this command and talks to it over stdin and stdout. Its tools are describe, ask, check
    and run. Answers are checked as everywhere, guard included, and run only if the checks find no error. Ends when
    stdin ends. Messages go to stderr. RUN may be a bundle (`dstill export --to bundle`).
    """
    from dstill_mcp.server import private_pipes, serve
    from dstill_mcp.tools import Tools

    opened = app.open_trained(run)
    started = ready(opened, execute=execute, max_wrong=max_wrong, fallback=fallback)
    with private_pipes() as pipes, started as predictor:
        note(f"serving '{opened.name}' over MCP on stdin and stdout")
        try:
            serve(Tools(predictor), pipes, name=opened.name)
        except KeyboardInterrupt:
            raise Interrupted("stopped; calls that had begun were finished", where="dstill mcp") from None
