"""The server: its socket, what it opens on demand, and its end.

    with listening(host, port) as listener, opened(found, place, access=access, …) as server:
        run(server, listener)      # of `dstill_serve.serving`: until SIGINT or SIGTERM

A review holds the lock of its run while it is open. It ends when the reviewer finishes, after `IDLE_SECONDS` without a
request, or with the server. Decisions are on disk at once, so nothing is lost.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dstill.cli.options import App
from dstill.cli.ready import ready
from dstill.errors import DataError, Interrupted
from dstill.io.shell import command
from dstill.quality.review import REVIEWED
from dstill.runtime import http
from dstill_review import app as review_app
from dstill_review.session import ReviewSession
from dstill_serve import app as serve_app
from dstill_serve import serving
from dstill_serve.feedback import FeedbackLog
from dstill_serve.observed import RequestLog
from dstill_ui.access import Access, Behind
from dstill_ui.app import Team, application
from dstill_ui.live_data import LIMITS, LiveData
from dstill_ui.on_demand import OnDemand

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

    from dstill.runs.run import Run

__all__ = ["IDLE_SECONDS", "listening", "opened"]

LIBRARIES = ("starlette", "uvicorn", "prometheus_client", "jinja2", "matplotlib", "scipy")  # of serve, report, evaluate
IDLE_SECONDS = 15 * 60.0  # seconds without a request after which a review is closed
MOST_REVIEWS = 16


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises UsageError if that is not possible, and MissingExtra if a library is missing."""
    http.require_libraries("`dstill ui`", "ui", *LIBRARIES)
    with http.listening(host, port, hint="choose another port, or 0 for any free one") as listener:
        yield listener


@contextlib.contextmanager
def opened(
    app: App,
    place: Path,
    *,
    access: Access,
    execute: bool,
    students: int,
    feedback: Path | None = None,
    log: RequestLog | None = None,
    idle: float = IDLE_SECONDS,
) -> Iterator[Server]:
    """A server of the runs in `place`, ready to run; at its end, what it has opened is closed.

    `execute`: students run answers if they are asked to. `students`: how many are loaded at the same time. `feedback`:
    the folder of what users say about answers, with a file for each run; None: nothing is taken. `log`: of requests.
    """

    def open_run(folder: Path) -> Run:
        return app.open(folder.absolute())

    @contextlib.contextmanager
    def student(folder: Path) -> Iterator[ASGIApp]:
        log = None if feedback is None else FeedbackLog(feedback / f"{folder.name}.jsonl")
        behind = Behind(requires_token=access.requires_token)
        with (
            ready(open_run(folder).answerable(), execute=execute, max_wrong=None, fallback="") as predictor,
            serving.opened(predictor, access=behind, limits=LIMITS, feedback=log, at="../play") as service,
        ):
            yield serve_app.application(service)

    @contextlib.contextmanager
    def review(folder: Path, reviewer: str, finish: Callable[[], None]) -> Iterator[ASGIApp]:
        with reviewing(open_run(folder), reviewer, finish) as app:
            yield app

    app.plugins.require_healthy()  # registers all parts, before threads look for them
    team = Team(
        place=place,
        access=access,
        open_run=open_run,
        student=student,
        review=review,
        live_data=LiveData(app) if execute and not access.requires_token else None,
        students=OnDemand(most=students),
        reviews=OnDemand(most=MOST_REVIEWS, idle=idle),
        log=log,
    )
    try:
        yield http.server_of(application(team), grace=serving.GRACE)
    finally:
        team.close()


@contextlib.contextmanager
def reviewing(run: Run, reviewer: str, finish: Callable[[], None]) -> Iterator[ASGIApp]:
    """The page that reviews `run`, which is locked meanwhile. It calls `finish` when the reviewer has finished.

    The stage is done if the reviewer said so or nothing is left to judge, and interrupted otherwise. Raises RunError
    if another process has locked the run, DataError if it has no rows.
    """
    if not run.has_dataset:
        raise DataError(
            f"run '{run.name}' has no rows to review",
            where=str(run.folder),
            hint=f"`{command('generate', '--out', run.folder)}` makes the dataset",
        )
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        finish()

    with contextlib.suppress(Interrupted), run.stage("review") as facts, run.setup.opened_executor() as executor:
        session = ReviewSession(run, splits=REVIEWED, everything=False, executor=executor, reviewer=reviewer)
        yield review_app.application(session, None, finish=end)
        if not ended and session.current() is not None:
            raise Interrupted("closed before every row was judged")
        facts.update(session.progress(), splits=list(REVIEWED))
