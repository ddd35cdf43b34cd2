"""Serves a student over HTTP: its own API, an OpenAI-compatible API, and a page to try it on.

    dstill serve weblogs-20260301-1           # prints its address; Ctrl-C or SIGTERM stops it cleanly

    POST /v1/query                 {"question": "how many requests failed"} → the checked answer; "execute" runs it
    POST /v1/feedback              {"question": …, "answer": …, "verdict": "right"}: what a user says   POST /v1/check
    POST /v1/chat/completions      OpenAI-compatible, streamed or not      GET /v1/models
    GET  /                         the page                                GET /healthz   /metrics   /openapi.json

`microbatcher` groups concurrent requests into batches, `request_schema` parses requests and `responses` builds replies,
which `openapi` describes, `auth` controls access, `engine` executes answers, `observed` writes the request log, and
`tracing` sends traces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill serve`."""
    from dstill.cli.groups import LazyCommand

    summary = "Serve the student over HTTP, with an OpenAI-compatible API."
    cli.add_command(LazyCommand("serve", "dstill_serve.command:serve", summary, section="Use"))
