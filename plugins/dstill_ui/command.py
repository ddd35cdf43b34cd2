"""`dstill ui`: serves the pages until it is stopped."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from dstill.cli.console import emit, note
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, engine_url_option, json_output, listen_options, pass_app, set_option
from dstill.errors import Interrupted, UsageError
from dstill_serve.command import request_log_options

__all__ = ["ui"]


@click.command(
    cls=Command,
    section="Use",
    examples=["dstill ui", "dstill ui --host 0.0.0.0 --token-env TEAM_TOKEN"],
)
@listen_options
@click.option(
    "--runs",
    "place",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    metavar="FOLDER",
    help="Folder of the runs.",
)
@click.option("--students", type=Count(1, 64), default=2, help="Maximum number of students in memory.")
@click.option(
    "--execute/--no-execute",
    default=True,
    help="Execute an answer if the request asks for it. With --no-execute: never.",
)
@engine_url_option("Execute answers on this server")
@click.option(
    "--feedback",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Append what users say about answers to FOLDER/RUN.jsonl, for `dstill improve`. Default: take no feedback.",
)
@request_log_options("the request log")
@json_output("Print a JSON object with the address when the server is ready.")
@set_option
@pass_app
def ui(  # noqa: PLR0913 - one parameter per command line option
    app: App,
    port: int,
    host: str,
    token_env: str,
    place: Path,
    students: int,
    execute: bool,
    feedback: Path | None,
    request_log: Path | None,
    log_questions: bool,
    as_json: bool,
) -> None:
    """Show runs, reports, review and playground to a team, under one address.

    The start page lists the runs with their scores. From there you open a report, compare runs, review a dataset, or
    ask a student. On this machine, it also takes the address of data on a server to ask about. Reports are written, and
    students loaded, when somebody opens them.

    With --token-env, people log in with the token, and say who they are if review.reviewer is not set. Put a server
    that speaks HTTPS in front if others can listen on the network. Ctrl-C and SIGTERM stop the server.

    Each request is a line of JSON on stderr, without the text of questions and answers.
    """
    from dstill_serve import serving as students_serving
    from dstill_serve.auth import token_of
    from dstill_serve.observed import RequestLog
    from dstill_ui import serving
    from dstill_ui.access import Access

    token = token_of(token_env, "dstill ui")
    if not place.is_dir():
        raise UsageError(
            f"no folder {place}", where="--runs", hint="run the command in the project's folder, or name another one"
        )
    if feedback is not None and not feedback.is_dir():
        raise UsageError(f"no folder {feedback}", where="--feedback", hint="create it")
    reviewer = app.config().settings.review.reviewer
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(contextlib.closing(RequestLog(request_log, texts=log_questions)))
        listener = stack.enter_context(serving.listening(host, port))
        host, port = listener.getsockname()[:2]
        access = Access(host=host, port=port, token=token, reviewer=reviewer)
        how: dict[str, Any] = {"execute": execute, "students": students, "feedback": feedback, "log": log}
        server = stack.enter_context(serving.opened(app, place, access=access, **how))
        if as_json:
            emit({"address": access.address, "runs": str(place)})
        note(f"serving the runs in {place}; stop with Ctrl-C")
        note(f"open {access.address}/")
        try:
            signal = students_serving.run(server, listener)
        except KeyboardInterrupt:
            raise Interrupted("stopped immediately; requests in progress were dropped", where=access.address) from None
    note(f"stopped by {signal.name}")
