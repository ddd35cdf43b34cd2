"""A student behind HTTP: its own API, OpenAI's, and a page to try it on.

    dstill serve weblogs-20260301-1           # prints its address; Ctrl-C or SIGTERM stops it in order

    POST /v1/query                 {"question": "how many requests failed"} → the answer, checked; run with "execute"
    POST /v1/chat/completions      OpenAI's form, streamed or not      GET /v1/models
    GET  /                         the page                            GET /healthz   /metrics

`microbatcher` brings requests in flight together into batches, `request_schema` and `responses` are the two sides of
the API, `auth` says who may use it, `engine` runs answers beside the student.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from dstill.cli.groups import LazyCommand

    summary = "Serve the student over HTTP, with an OpenAI-compatible API."
    cli.add_command(LazyCommand("serve", "dstill_serve.command:serve", summary, section="Use"))
