"""`dstill serve RUN`: serves the student over HTTP until it is stopped."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dstill.api.task import data_of
from dstill.cli.console import emit, note, visible
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    Number,
    constrain_option,
    engine_url_option,
    fallback_options,
    json_output,
    listen_options,
    max_wrong_option,
    pass_app,
    set_option,
)
from dstill.cli.ready import about_data, is_run, ready
from dstill.errors import Interrupted, UsageError
from dstill.io.shell import quoted

__all__ = ["request_log_options", "serve"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def request_log_options(logs: str) -> Callable[[Decorated], Decorated]:
    """``--request-log`` and ``--log-questions``. `logs`: where the texts are written too."""

    def options(decorated: Decorated) -> Decorated:
        texts = click.option(
            "--log-questions", is_flag=True, help=f"Also write the text of questions and answers to {logs}."
        )
        file = click.option(
            "--request-log",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Append a line of JSON for each request to this file. Default: stderr.",
        )
        return file(texts(decorated))

    return options


@click.command(
    cls=Command,
    section="Use",
    examples=["dstill serve runs/mine --port 8000", "dstill serve --engine-url sqlite:////data/shop.db"],
)
@click.argument("run", metavar="[RUN]", required=False)
@listen_options
@click.option(
    "--claims-key-env",
    default="",
    show_default=False,
    metavar="NAME",
    help="Environment variable with the key of callers' tokens (JWT, HS256), whose claims decide which rows answers "
    "read (`guard.rows`). Default: callers have no claims.",
)
@click.option(
    "--execute/--no-execute",
    default=True,
    help="Execute an answer if the request asks for it. With --no-execute: never.",
)
@engine_url_option("Execute answers on this server. Without RUN: read there, too, what questions are about")
@constrain_option
@max_wrong_option
@fallback_options
@click.option("--max-batch", type=Count(1, 512), default=16, help="Maximum number of questions in a batch.")
@click.option(
    "--queue",
    "max_requests",
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
@click.option(
    "--feedback",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Append what users say about answers to this file, with the questions, for `dstill improve`. Default: take no "
    "feedback.",
)
@click.option(
    "--remember",
    is_flag=True,
    help="Give answers that users confirmed again, to the same question or one with other values. Needs --feedback. "
    "Whoever may ask may then decide what others get.",
)
@request_log_options("the request log and to traces")
@click.option(
    "--otlp",
    default="",
    show_default=False,
    metavar="URL",
    help="Send OpenTelemetry traces to this collector, for example http://127.0.0.1:4318. Default: what the OTEL_* "
    "environment variables say.",
)
@json_output("Print a JSON object when the server is ready (with its address), and one when it has stopped.")
@set_option
@pass_app
def serve(  # noqa: PLR0913 - one parameter per command line option
    app: App,
    run: str | None,
    port: int,
    host: str,
    token_env: str,
    claims_key_env: str,
    execute: bool,
    max_wrong: float | None,
    fallback: str,
    max_batch: int,
    max_requests: int,
    timeout: float,
    feedback: Path | None,
    remember: bool,
    request_log: Path | None,
    log_questions: bool,
    otlp: str,
    as_json: bool,
) -> None:
    """Serve the student over HTTP, with an OpenAI-compatible API.

    Also serves a page to ask the student. Without RUN, it is the task's base student, which knows the data at
    --engine-url as `ask` does, before anything is trained.

    Requests are answered after a first answer was computed, in batches if they
    come at the same time; requests beyond --queue get 503. Ctrl-C and SIGTERM finish the current requests, then exit
    with 0. Restart the server to use a student that was trained again. RUN may be a bundle (`dstill export --to
    bundle`).

    Each request is a line of JSON on stderr, without the text of the question and the answer.

    With --fallback, a large model answers where the student does not, within --timeout. If it does not answer either,
    or has reached --max-usd, the student abstains.
    """
    from dstill_serve import serving
    from dstill_serve.auth import MIN_KEY_LENGTH, Access, token_of
    from dstill_serve.feedback import FeedbackLog
    from dstill_serve.observed import RequestLog
    from dstill_serve.tracing import traces_of

    token, key = token_of(token_env), token_of(claims_key_env, shortest=MIN_KEY_LENGTH)
    if remember and feedback is None:
        raise UsageError("--remember needs a file of feedback", where="--remember", hint="--feedback feedback.jsonl")
    log = None if feedback is None else FeedbackLog(feedback)
    limits = serving.Limits(max_batch=max_batch, max_requests=max_requests, timeout=timeout)
    with contextlib.ExitStack() as stack:
        requests = stack.enter_context(contextlib.closing(RequestLog(request_log, texts=log_questions)))
        traces = stack.enter_context(traces_of(otlp, texts=log_questions))
        listener = stack.enter_context(serving.listening(host, port))
        # Fail before the slow loading of the student. The socket has the address of a name such as localhost.
        host, port = listener.getsockname()[:2]
        access = Access(host=host, port=port, token=token, claims_key=key)
        if run is not None and is_run(app, run):
            opened = app.open_trained(run)
        else:
            opened = stack.enter_context(about_data(app, run, "serve"))
        options: dict[str, Any] = {"max_wrong": max_wrong, "fallback": fallback}
        memory = feedback if remember else None
        predictor = stack.enter_context(ready(opened, execute=execute, memory=memory, **options))
        watched: dict[str, Any] = {"feedback": log, "log": requests, "traces": traces}
        service = stack.enter_context(serving.opened(predictor, access=access, limits=limits, **watched))
        server = serving.server_of(service, limits)
        _announce(access, service, as_json=as_json, token_env=token_env)
        started = time.monotonic()
        try:
            signal = serving.run(server, listener)
        except KeyboardInterrupt:
            raise Interrupted("stopped immediately; requests in progress were dropped", where=access.address) from None
        counts = {str(status): count for status, count in sorted(service.metrics.statuses.items())}
    seconds = round(time.monotonic() - started, 1)
    note(f"stopped by {signal.name} after {seconds} s; replies by status: {_words(counts)}")
    if as_json:
        emit({"run": str(opened.folder), "seconds": seconds, "answers": counts, "signal": signal.name})


def _announce(access: Any, service: Any, *, as_json: bool, token_env: str) -> None:
    """Print the address and a `curl` command to try."""
    address, student = access.address, service.student
    if as_json:
        emit({"address": address, "model": student.model, "executes": service.executes})
    note(f"serving '{student.model}' at {address}; stop with Ctrl-C")
    token = f' -H "Authorization: Bearer ${token_env}"' if token_env else ""
    task = student.run.task
    example = next((record for record in student.run.records("test") if not task.is_refusal(record.answer)), None)
    body: dict[str, Any] = {"question": example.question if example else "how many are there?"}
    if example and len(student.contexts) > 1 and (name := data_of(task, example)) in student.contexts:
        body[task.data_key] = name
    if service.executes:
        body["execute"] = True
    data = quoted(visible(json.dumps(body, ensure_ascii=False)))  # escaped, so that it can be copied from any terminal
    note(f"open {address}/ or try:")
    note(f"curl {address}/v1/query -H 'content-type: application/json'{token} -d {data}", verbatim=True)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in counts.items()) or "none"
