"""What the page's server answers, and to whom.

    GET  /?token=…      the page, once; the browser gets a cookie in exchange
    GET  /              the page again, with the cookie
    GET  /state         the row to judge and the progress        POST /judge   /edit   /undo   /finish
    GET  /result?id=…   what the answer returns

`Door` decides who may come in: the Host has to be this machine's by its own name (another site's page that points
its name here does not get in), the cookie has to be the one that was given, and what changes something has to come
from this page itself: with its Origin, and with a header that no other site can send unasked. Every answer carries a
policy under which a browser loads nothing from elsewhere and runs no script but the page's own file. Not covered:
other programs of the same user, which can read the run's files anyway.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from dstill.cli.console import visible
from dstill.errors import DstillError
from dstill.pipeline.review import ACCEPT, REJECT, SKIP
from dstill.runtime.http import own_names, with_policy
from dstill_review.session import Desk, Refused, Stale
from dstill_review.views import result, shown, told

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Door", "application"]

WEB = Path(__file__).parent / "web"
FILES = {"/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"}
SENT_BY_PAGE = "x-dstill"  # a header that another site's page may not send without being asked first
LARGEST = 1_000_000  # bytes of a request
log = logging.getLogger("dstill")


class Door:
    """Who may come in: whoever brings the token first, and then the cookie."""

    def __init__(self, port: int) -> None:
        self.hosts = own_names("127.0.0.1", port)
        self.cookie = f"dstill_review_{port}"  # browsers do not tell ports apart
        self._token = secrets.token_hex(24)
        self._session = secrets.token_hex(24)
        self._used = False
        self._once = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://{self.hosts[0]}/?token={self._token}"

    def exchange(self, token: str) -> str:
        """The cookie's value for the token, once; empty: refused."""
        with self._once:
            if self._used or not secrets.compare_digest(token.encode(), self._token.encode()):
                return ""
            self._used = True
            return self._session

    def knows(self, request: Request) -> bool:
        given = request.cookies.get(self.cookie, "")
        return secrets.compare_digest(given.encode(), self._session.encode())

    def refuses(self, request: Request) -> str:
        """Why a request does not get in; empty: it does."""
        host = request.headers.get("host", "")
        if host not in self.hosts:
            return "this is not the address of this page"
        if request.method != "GET" and (
            request.headers.get("origin") != f"http://{host}" or request.headers.get(SENT_BY_PAGE) != "1"
        ):
            return "only the page itself may do that"
        if not self.knows(request) and not (request.url.path == "/" and "token" in request.query_params):
            return "open the address that `dstill review` printed; it works once, in one browser"
        return ""


def application(desk: Desk, door: Door, *, finish: Callable[[], None]) -> Starlette:
    """The routes over `desk`. Functions that are not async run in threads, so that a slow engine holds up no other."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route

    def page(request: Request) -> Response:
        answer = Response((WEB / "page.html").read_bytes(), media_type="text/html")
        if not door.knows(request):
            session = door.exchange(request.query_params.get("token", ""))
            if not session:
                return PlainTextResponse("This address was used already, or is none. Run `dstill review` again.\n", 403)
            answer.set_cookie(door.cookie, session, httponly=True, samesite="strict", path="/")
        return answer

    def file(request: Request) -> Response:
        path = request.url.path
        return Response((WEB / path[1:]).read_bytes(), media_type=FILES[path])

    def state(request: Request) -> Response:
        return JSONResponse(_state(desk))

    def found(request: Request) -> Response:
        record = desk.current()
        if record is None or record.id != request.query_params.get("id"):
            return JSONResponse({"note": "another row is shown by now"})
        return JSONResponse(result(desk, record))

    async def change(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        try:
            asked = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            asked = None
        return await run_in_threadpool(act, request.url.path, asked)

    def act(path: str, asked: Any) -> Response:
        try:
            CHANGES[path](desk, asked)
        except Malformed:
            return _problem("not a request of this page", 400)
        except Stale as problem:  # no failure: the page shows what is to be judged now
            return JSONResponse({**_state(desk), "note": visible(str(problem))})
        except Refused as problem:
            return JSONResponse({"problems": [told(p) for p in problem.problems]})
        return JSONResponse(_state(desk))

    async def end(request: Request) -> Response:
        finish()
        return JSONResponse({})

    def _problem(text: str, status: int) -> Response:
        return JSONResponse({"problems": [{"message": text}]}, status)

    def failed(request: Request, error: Exception) -> Response:
        log.error("review: %s", error, exc_info=error)
        told_ = str(error) if isinstance(error, DstillError) else f"bug in dstill: {type(error).__name__}"
        return _problem(told_, 500)

    class Guarded:
        """Turns away whom the door refuses, and puts the policy on every answer."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            request, send = Request(scope), with_policy(send)
            length = request.headers.get("content-length", "")  # none: a body in chunks, without an end in sight
            if why := door.refuses(request):
                await PlainTextResponse(f"{why}\n", 403)(scope, receive, send)
            elif request.method != "GET" and not (length.isdecimal() and int(length) <= LARGEST):
                await PlainTextResponse("too long\n", 413)(scope, receive, send)
            else:
                await self.app(scope, receive, send)

    return Starlette(
        routes=[
            Route("/", page),
            *(Route(path, file) for path in FILES),
            Route("/state", state),
            Route("/result", found),
            *(Route(path, change, methods=["POST"]) for path in CHANGES),
            Route("/finish", end, methods=["POST"]),
        ],
        middleware=[Middleware(Guarded)],
        exception_handlers={DstillError: failed, Exception: failed},
    )


def _state(desk: Desk) -> dict[str, Any]:
    record = desk.current()
    return {
        "run": desk.run.name,
        "row": None if record is None else shown(desk, record),
        "progress": desk.progress(),
    }


class Malformed(Exception):
    """A request that this page does not send."""


def _text(asked: Any, name: str, *, required: bool = True) -> str | None:
    value = asked.get(name) if isinstance(asked, dict) else 0
    if not isinstance(value, str) and (required or value is not None):
        raise Malformed
    return value


def _row(asked: Any) -> tuple[str, str]:
    return _text(asked, "id") or "", _text(asked, "digest") or ""


def _judge(desk: Desk, asked: Any) -> None:
    decision = _text(asked, "decision")
    if decision not in (ACCEPT, REJECT, SKIP):
        raise Malformed
    desk.judge(*_row(asked), decision)


def _edit(desk: Desk, asked: Any) -> None:
    texts = {name: _text(asked, name, required=False) for name in ("answer", "rationale")}
    id, digest = _row(asked)
    desk.edit(id, digest, answer=texts["answer"], rationale=texts["rationale"])


def _undo(desk: Desk, asked: Any) -> None:
    desk.undo()


CHANGES: dict[str, Callable[[Desk, Any], None]] = {"/judge": _judge, "/edit": _edit, "/undo": _undo}
