"""The HTTP routes of the review page.

    GET  /?token=…      the page, once; the browser gets a cookie in exchange
    GET  /              the page again, with the cookie
    GET  /state         the row to judge and the progress        POST /judge   /edit   /undo   /ask   /finish
    GET  /result?id=…   the result of the row's answer

`dstill_review.access` decides who may use them, or `dstill ui`, which has this application below a path of its own.
All addresses in the page are relative. Every reply has a content security policy that allows the browser to
load and run only the page's own files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.cli.console import visible
from dstill.errors import DstillError
from dstill.io.logs import log
from dstill.quality.review import ACCEPT, REJECT, SKIP
from dstill.runtime.http import with_policy
from dstill_review.access import ONLY_THE_PAGE, Access, is_sent_by_page
from dstill_review.judging import JudgingSession, Session
from dstill_review.session import InvalidEdit, StaleRow
from dstill_review.views import problem_view, result_view, row_view

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["application"]

WEB = Path(__file__).parent / "web"
FILES = {"/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"}
MAX_BODY = 1_000_000  # bytes


def application(session: Session, access: Access | None, *, finish: Callable[[], None]) -> Starlette:
    """The ASGI application of `session`; `finish` stops the server.

    `access`: None if another application has checked who sends a request. Even then, only the page makes changes.

    Starlette runs endpoints that are not async in threads, so a slow engine does not block the others.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    api = _Api(session, access, finish)
    return Starlette(
        routes=[
            Route("/", api.page),
            *(Route(path, _file) for path in FILES),
            Route("/state", api.state),
            Route("/result", api.result),
            *(Route(path, api.change, methods=["POST"]) for path in CHANGES),
            Route("/finish", api.finish, methods=["POST"]),
        ],
        middleware=[Middleware(_Guard, access=access)],
        exception_handlers={DstillError: _failed, Exception: _failed},
    )


class _Api:
    """The endpoints."""

    def __init__(self, session: Session, access: Access | None, finish: Callable[[], None]) -> None:
        self._session, self._access, self._finish = session, access, finish

    def page(self, request: Request) -> Response:
        from starlette.responses import PlainTextResponse, Response

        reply = Response((WEB / "page.html").read_bytes(), media_type="text/html")
        if self._access is not None and not self._access.has_cookie(request):
            cookie = self._access.exchange(request.query_params.get("token", ""))
            if not cookie:
                message = "This address is invalid or was already used. Run the command again.\n"
                return PlainTextResponse(message, 403)
            reply.set_cookie(self._access.cookie, cookie, httponly=True, samesite="strict", path="/")
        return reply

    def state(self, _: Request) -> Response:
        return _json(_state(self._session))

    def result(self, request: Request) -> Response:
        record = self._session.current()
        if record is None or record.id != request.query_params.get("id"):
            return _json({"note": "another row is shown now"})
        return _json(result_view(self._session, record))

    async def change(self, request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        try:
            body = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            body = None
        return await run_in_threadpool(self._change, request.url.path, body)

    def _change(self, path: str, body: Any) -> Response:
        try:
            CHANGES[path](self._session, body)
        except Malformed:
            return _error("malformed request", 400)
        except StaleRow as error:  # not a failure: the page shows the row that is to be judged now
            return _json({**_state(self._session), "note": visible(str(error))})
        except InvalidEdit as error:
            return _json({"problems": [problem_view(problem) for problem in error.problems]})
        return _json(_state(self._session))

    async def finish(self, _: Request) -> Response:
        self._finish()
        return _json({})


class _Guard:
    """Middleware that checks access and the size of bodies, and adds the security headers to every reply."""

    def __init__(self, app: ASGIApp, access: Access | None) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        request, send = Request(scope), with_policy(send)
        length = request.headers.get("content-length", "")  # missing for a chunked body, which may be endless
        if reason := self._refused(request):
            await PlainTextResponse(f"{reason}\n", 403)(scope, receive, send)
        elif request.method != "GET" and not (length.isdecimal() and int(length) <= MAX_BODY):
            await PlainTextResponse("the body is too large\n", 413)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refused(self, request: Request) -> str:
        if self._access is not None:
            return self._access.check(request)
        return "" if request.method == "GET" or is_sent_by_page(request, ("http", "https")) else ONLY_THE_PAGE


# --- replies ----------------------------------------------------------------------------


def _file(request: Request) -> Response:
    from starlette.responses import Response

    path = request.url.path
    return Response((WEB / path[1:]).read_bytes(), media_type=FILES[path])


def _json(value: Any, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(value, status)


def _error(message: str, status: int) -> Response:
    return _json({"problems": [{"message": message}]}, status)


def _failed(_: Request, error: Exception) -> Response:
    log.error("review: %s", error, exc_info=error)
    return _error(str(error) if isinstance(error, DstillError) else f"bug in dstill: {type(error).__name__}", 500)


def _state(session: Session) -> dict[str, Any]:
    record = session.current()
    return {
        "run": session.run.name,
        "asks": session.asks,
        "row": None if record is None else row_view(session, record),
        "progress": session.progress(),
    }


# --- changes ----------------------------------------------------------------------------


class Malformed(Exception):
    """The request does not have the form that the page sends."""


def _text(body: Any, name: str, *, required: bool = True) -> str | None:
    value = body.get(name) if isinstance(body, dict) else 0
    if not isinstance(value, str) and (required or value is not None):
        raise Malformed
    return value


def _row(body: Any) -> tuple[str, str]:
    return _text(body, "id") or "", _text(body, "digest") or ""


def _judge(session: Session, body: Any) -> None:
    decision = _text(body, "decision")
    if decision not in (ACCEPT, REJECT, SKIP):
        raise Malformed
    session.judge(*_row(body), decision)


def _edit(session: Session, body: Any) -> None:
    texts = {name: _text(body, name, required=False) for name in ("answer", "rationale")}
    id, digest = _row(body)
    session.edit(id, digest, answer=texts["answer"], rationale=texts["rationale"])


def _undo(session: Session, _: Any) -> None:
    session.undo()


def _ask(session: Session, body: Any) -> None:
    if not isinstance(session, JudgingSession):
        raise Malformed
    session.ask(_text(body, "question") or "")


CHANGES: dict[str, Callable[[Session, Any], None]] = {"/judge": _judge, "/edit": _edit, "/undo": _undo, "/ask": _ask}
