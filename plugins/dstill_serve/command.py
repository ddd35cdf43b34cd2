"""`dstill serve RUN`: the student behind HTTP, until it is stopped."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import click

from dstill.api.task import data_of
from dstill.cli.console import emit, note, visible
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, Number, app, constrain_option, json_option, run_argument, set_option, setting
from dstill.errors import Interrupted, ServiceError
from dstill.io.shell import quoted

__all__ = ["serve"]


@click.command(cls=Command, section="Use", examples=["dstill serve runs/mine --port 8000"])
@run_argument
@click.option("--port", type=Count(0, 65535), default=8000, help="Port to listen on. 0: any free port.")
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Address to listen on. Any other address needs a token.",
)
@click.option(
    "--token-env",
    default="",
    show_default=False,
    metavar="NAME",
    help="Environment variable that holds the access token.",
)
@click.option("--execute/--no-execute", default=True, help="Let requests ask for the answer to be executed.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Execute answers on this server.")
@constrain_option
@click.option("--max-batch", type=Count(1, 512), default=16, help="Maximum number of questions in a batch.")
@click.option(
    "--queue",
    "room",
    type=Count(1, 100_000),
    default=128,
    help="Maximum number of requests at the same time.",
)
@click.option(
    "--timeout",
    type=Number(0.1, 3600),
    default=60,
    help="Timeout of a request, in seconds.",
)
@json_option
@set_option
@app
def serve(
    found: App,
    run: str,
    port: int,
    host: str,
    token_env: str,
    execute: bool,
    max_batch: int,
    room: int,
    timeout: float,
    as_json: bool,
) -> None:
    """Serve the student over HTTP, with an OpenAI-compatible API.

    Also serves a page to try the student. Concurrent requests are answered in batches; requests beyond --queue get
    503. Ctrl-C and SIGTERM finish the current requests, then exit with 0. Restart the server to use a student that
    was trained again.
    """
    from dstill.pipeline.predict import Predictor
    from dstill_serve import serving
    from dstill_serve.auth import Door, token_of

    token = token_of(token_env)
    opened = found.open(run)
    limits = serving.Limits(batch=max_batch, queue_size=room, seconds=timeout)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(serving.listening(host, port))
        # before seconds are spent on loading; by the address that a name as localhost stands for
        Door(host=listener.getsockname()[0], port=port, token=token)
        note(f"loading the student of run '{opened.name}'")
        try:
            answering = stack.enter_context(Predictor(opened, execute=execute and bool(opened.task.executors)))
        except ServiceError as error:
            hint = "; ".join(line for line in (error.hint, "or serve answers alone: --no-execute") if line)
            raise ServiceError(error.what, where=error.where, hint=hint) from None
        server, service = stack.enter_context(serving.opened(answering, listener, token=token, limits=limits))
        _tell(service, as_json=as_json, variable=token_env)
        began = time.monotonic()
        try:
            signal = serving.run(server, listener)
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped at once; requests under way were sent away", where=service.door.address
            ) from None
        counts = {str(status): count for status, count in sorted(service.metrics.statuses.items())}
    seconds = round(time.monotonic() - began, 1)
    note(f"stopped by {signal.name} after {seconds} s; answers by status: {_words(counts)}")
    if as_json:
        emit({"run": str(opened.folder), "seconds": seconds, "answers": counts, "signal": signal.name})


def _tell(service: Any, *, as_json: bool, variable: str) -> None:
    """Where it is, and what to try next."""
    address, student = service.door.address, service.student
    for line in student.answering.drift():
        note(f"warning: {line}")
    if as_json:
        emit({"address": address, "model": student.model, "executes": service.executes})
    note(f"serving '{student.model}' at {address}; Ctrl-C stops")
    token = f' -H "Authorization: Bearer ${variable}"' if variable else ""
    task = student.run.task
    asked = next((record for record in student.run.records("test") if not task.is_refusal(record.answer)), None)
    body: dict[str, Any] = {"question": asked.question if asked else "how many are there?"}
    if asked and len(student.contexts) > 1 and (name := data_of(task, asked)) in student.contexts:
        body[task.data_key] = name
    if service.executes:
        body["execute"] = True
    data = quoted(visible(json.dumps(body, ensure_ascii=False)))  # the same JSON, in characters that can be copied
    note(f"open {address}/, or try:")
    note(f"curl {address}/v1/query -H 'content-type: application/json'{token} -d {data}", verbatim=True)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in counts.items()) or "none"
