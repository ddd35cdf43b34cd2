"""The HTTP routes of `dstill ui`.

    application(Team(place=Path("runs"), access=access, …))       # for uvicorn

The applications of review and serve get requests with the path that they have by themselves: ``/runs/a/play/v1/query``
comes to the latter as ``/v1/query``. `dstill_ui.access` has checked every request before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlencode

from dstill.cli.console import note_bug
from dstill.errors import DstillError, RunError, UsageError
from dstill.runtime.http import with_policy
from dstill_serve.errors import RequestError, from_exception
from dstill_serve.observed import KEY, Observed, RequestLog
from dstill_serve.observed import of as observed
from dstill_ui import reports
from dstill_ui.access import Access
from dstill_ui.on_demand import Entry, OnDemand
from dstill_ui.overview import folders, overviews
from dstill_ui.pages import FILES, WEB, error_page, page, root

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from dstill.runs.run import Run
    from dstill_ui.live_data import LiveData

__all__ = ["Team", "application"]

T = TypeVar("T")
Opening = Callable[[], AbstractContextManager["ASGIApp"]]

MOST_BODY = 10_000  # bytes of the login form
RETRY_AFTER = 2  # seconds, while a student is loaded
FIXED_PATHS = ("/", "/compare", "/data", "/login", "/logout", *FILES)  # routes that name nothing
RUN, DATA = "/runs/NAME", "/data/NAME"  # in the request log, which has a run's name beside it
_OF_RUN = re.compile(r"/runs/[^/]+/(report$|(?:play|review)/(?:opening$)?)")
_OF_DATA = re.compile(r"/data/[^/]+/(opening$)?")
CROSS_SITE = "cross-site"  # value of the header Sec-Fetch-Site, which browsers send


@dataclass(kw_only=True)
class Team:
    """The runs that the pages show, and how they are opened."""

    place: Path  # the folder of the runs
    access: Access
    open_run: Callable[[Path], Run]
    student: Callable[[Path], AbstractContextManager[ASGIApp]]  # the application of `dstill serve` for a run
    review: Callable[[Path, str, Callable[[], None]], AbstractContextManager[ASGIApp]]  # that of `dstill data review`
    live_data: LiveData | None  # on servers that somebody names; None: nobody may
    students: OnDemand[ASGIApp]
    reviews: OnDemand[ASGIApp]
    log: RequestLog | None = None
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)  # one report or comparison at a time

    def close(self) -> None:
        """Close what is open, after the server has stopped."""
        self.students.close_all()
        self.reviews.close_all()


def application(team: Team) -> Starlette:
    """The ASGI application."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.routing import Route

    pages, play, review, data = _Pages(team), _Play(team), _Review(team), _Data(team)
    return Starlette(
        routes=[
            Route("/", pages.runs),
            Route("/compare", pages.compare),
            Route("/login", pages.login_form),
            Route("/login", pages.login, methods=["POST"]),
            Route("/logout", pages.logout, methods=["POST"]),
            Route("/data", data.chosen, methods=["POST"]),
            Route("/data/{name}/opening", data.opening),
            Route("/data/{name}/{path:path}", data),
            Route("/runs/{name}/report", pages.report),
            Route("/runs/{name}/play/opening", play.opening),
            Route("/runs/{name}/review/opening", review.opening),
            Route("/runs/{name}/play/{path:path}", play),
            Route("/runs/{name}/review/{path:path}", review),
            *(Route(path, _file) for path in FILES),
        ],
        middleware=[Middleware(_Guard, access=team.access, log=team.log)],
        exception_handlers={DstillError: _failed, HTTPException: _no_page, Exception: _failed},
    )


class _Guard:
    """Middleware that checks access, adds the security headers to every reply, and logs requests."""

    def __init__(self, app: ASGIApp, access: Access, log: RequestLog | None) -> None:
        self._app, self._access, self._log = app, access, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        request, send_with_policy = Request(scope, receive), with_policy(send)
        scope[KEY] = Observed(method=scope["method"], route="")

        async def recording(message: Message) -> None:
            if message["type"] == "http.response.start":
                observed(request).status = message["status"]
            await send_with_policy(message)

        reply = self._refused(request)
        try:
            await (self._app if reply is None else reply)(scope, receive, recording)
        finally:
            if self._log is not None:
                seen = observed(request)
                seen.route = seen.route or _route(scope["path"])
                self._log.write(seen)

    def _refused(self, request: Request) -> Response | None:
        from starlette.responses import RedirectResponse

        error = self._access.check(request)
        if error is None:
            return None
        if error.status == 401 and request.method == "GET" and _wants_page(request):
            return RedirectResponse(f"{root(request)}login?{urlencode({'next': _address(request)})}", 303)
        return _json_error(request, error)


class _Pages:
    """The pages of this package."""

    def __init__(self, team: Team) -> None:
        self._team = team

    async def runs(self, request: Request) -> Response:
        rows = await asyncio.to_thread(overviews, self._team.place)
        access, reviews = self._team.access, self._team.reviews.by_name()
        return page(
            request,
            "runs.html.j2",
            runs=rows,
            place=str(self._team.place),
            reviews=reviews,
            is_logged_in=access.has_session(request),
            reviewer=access.reviewer(request),
            live_data=self._team.live_data,
        )

    async def compare(self, request: Request) -> Response:
        names = list(dict.fromkeys(request.query_params.getlist("run")))
        if len(names) < 2:
            raise UsageError("one run alone cannot be compared", hint="choose two runs or more in the list of runs")
        if _is_foreign(request):
            return _ask(request, "the comparison")
        return page(request, "compare.html.j2", names=names, shown=await self._read(self._compared, names))

    def _compared(self, names: list[str]) -> Any:
        from dstill_evaluate.compared import compared
        from dstill_evaluate.systems import arms_of

        known = folders(self._team.place)

        def open_run(name: str) -> Run:
            if name not in known:
                raise UsageError(f"no run '{name}'")
            return self._team.open_run(known[name])

        return compared(arms_of([[name] for name in names], open_run))

    async def report(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        folder = _folder(self._team, request)
        content = await asyncio.to_thread(reports.ready, folder)
        if content is None and _is_foreign(request):
            return _ask(request, f"the report of {folder.name}")
        if content is None:
            content = await self._read(lambda: reports.write(self._team.open_run(folder)))
        return HTMLResponse(content, headers=reports.headers())

    async def _read(self, work: Callable[..., T], *words: Any) -> T:
        """The result of `work` in a thread: that of one request after the other, as it takes all of a processor."""
        async with self._team.reading:
            return await asyncio.to_thread(work, *words)

    async def login_form(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        return self._login_page(request) if self._team.access.requires_token else RedirectResponse("./", 303)

    async def login(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        access, form = self._team.access, await _form(request)
        cookie = access.login(form.get("token", ""), form.get("name", ""))
        if not cookie:
            return self._login_page(request, 403, problem="This is not the token.", name=form.get("name", ""))
        reply = RedirectResponse(_within(request.query_params.get("next", "")), 303)
        reply.set_cookie(access.cookie, cookie, httponly=True, samesite="strict")
        return reply

    def _login_page(self, request: Request, status: int = 200, *, problem: str = "", name: str = "") -> Response:
        query = urlencode({"next": request.query_params.get("next", "")})
        asks = self._team.access.asks_for_name
        return page(request, "login.html.j2", status, query=query, asks=asks, problem=problem, name=name)

    async def logout(self, request: Request) -> Response:
        from starlette.responses import RedirectResponse

        self._team.access.logout(request)
        reply = RedirectResponse("./login", 303)
        reply.delete_cookie(self._team.access.cookie)
        return reply


class _Mounted:
    """Gives the requests below an address to an application that is opened at the first one."""

    route: str  # of the request log
    what: str  # for the page that waits

    def __init__(self, team: Team, opened: OnDemand[ASGIApp]) -> None:
        self._team, self._opened = team, opened

    async def opening(self, request: Request) -> Response:
        """Whether the application is open, for the page that waits for it."""
        from starlette.responses import JSONResponse

        entry = self._opened.get(self._name(request))
        return JSONResponse({"state": "closed" if entry is None else entry.state})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        request = Request(scope, receive)
        path = "/" + request.path_params["path"]
        entry = self._entry(request, self._name(request), path)
        seen = observed(request)
        seen.route = self.route
        if isinstance(entry, Entry):
            inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
            try:
                with entry.used() as app:
                    await app(inner, receive, send)
            finally:
                scope[KEY] = _joined(seen, inner[KEY])
        else:
            await entry(scope, receive, send)

    def _entry(self, request: Request, name: str, path: str) -> Entry[ASGIApp] | Response:
        """The entry that is open for `request`, or the reply in its place."""
        if refused := self._refused(request, name, path):
            return refused
        entry = self._opened.get(name)
        if entry is not None and path == "/" and entry.version != self._version(name):
            self._opened.close(name)
            entry = None
        if entry is None:
            if _is_foreign(request):
                return _ask(request, f"{self.what} {self._label(name)}")
            by, version = self._team.access.reviewer(request), self._version(name)
            entry = self._opened.open(name, self._open(request, name), by=by, version=version)
        return entry if entry.state == "ready" else self._unready(request, name, path, entry)

    def _name(self, request: Request) -> str:
        """The name under which the application is open. Raises HTTPException if the path names nothing."""
        return _folder(self._team, request).name

    def _label(self, name: str) -> str:
        """What people call it."""
        return name

    def _refused(self, request: Request, name: str, path: str) -> Response | None:
        """A reply in the place of the application's."""
        return None

    def _version(self, name: str) -> object:
        """Of what would be opened: another one takes the place of an application that is open."""
        return None

    def _open(self, request: Request, name: str) -> Opening:
        raise NotImplementedError

    def _unready(self, request: Request, name: str, path: str, entry: Entry[ASGIApp]) -> Response:
        """The reply while the application opens, or if it does not open."""
        label = self._label(name)
        if entry.error is not None:
            self._opened.close(name)  # the next request tries again
            if path == "/":
                return error_page(request, entry.error)
            return _json_error(request, from_exception(entry.error))
        if path == "/":
            return page(request, "wait.html.j2", name=label, what=self.what)
        message = f"{self.what} '{label}' is being opened"
        return _json_error(request, RequestError(503, "loading", message, retry_after=RETRY_AFTER))


class _Play(_Mounted):
    """Students, each with the application of `dstill serve`."""

    route, what = f"{RUN}/play/", "the student of"

    def __init__(self, team: Team) -> None:
        super().__init__(team, team.students)

    def _open(self, request: Request, name: str) -> Opening:
        folder = _folder(self._team, request)
        return lambda: self._team.student(folder)

    def _version(self, name: str) -> object:
        try:
            facts = (self._team.place / name / "student").stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns  # a training replaces the folder


class _Data(_Mounted):
    """The task's base student, asked about data on a server that somebody named."""

    route, what = f"{DATA}/", "the student about"

    def __init__(self, team: Team) -> None:
        super().__init__(team, team.students)

    async def chosen(self, request: Request) -> Response:
        """Take the address of a form, and go to the page of its data; where it has several, list them."""
        from starlette.responses import RedirectResponse

        live_data, form = self._live_data(), await _form(request)
        address, name = (form.get(field, "").strip() for field in ("address", "name"))
        if not address:
            raise UsageError("where are your data?", hint="give the address of a database or a search server")
        listed = await asyncio.to_thread(live_data.choices, address)
        if len(listed) < 2:
            name = next(iter(listed), "")
        elif name not in listed:
            return page(request, "data.html.j2", address=address, names=listed)
        return RedirectResponse(f"./{live_data.add(address, name, listed.get(name, {}))}/", 303)

    def _live_data(self) -> LiveData:
        from starlette.exceptions import HTTPException

        if self._team.live_data is None:
            raise HTTPException(404)
        return self._team.live_data

    def _name(self, request: Request) -> str:
        from starlette.exceptions import HTTPException

        name = f"data/{request.path_params['name']}"
        if name not in self._live_data().labels:
            raise HTTPException(404)
        return name

    def _label(self, name: str) -> str:
        return self._live_data().labels[name]

    def _open(self, request: Request, name: str) -> Opening:
        live_data = self._live_data()
        return lambda: live_data.student(name)


class _Review(_Mounted):
    """Reviews, each with the application of `dstill data review`. One person reviews a run at a time."""

    route, what = f"{RUN}/review/", "the review of"

    def __init__(self, team: Team) -> None:
        super().__init__(team, team.reviews)

    def _refused(self, request: Request, name: str, path: str) -> Response | None:
        entry = self._opened.get(name)
        if entry is None:
            closed = "this review was closed, as nobody used it; your decisions are saved. Reload the page"
            return None if path == "/" else _problem(closed, 409)
        if entry.by == self._team.access.reviewer(request):
            return None
        taken = RunError(
            f"{entry.by or 'somebody'} reviews '{name}', since {entry.since:%H:%M}",
            hint="one person reviews a run at a time: wait until the review is finished, or was not used for a while",
        )
        return error_page(request, taken) if path == "/" else _problem(taken.what, 409)

    def _open(self, request: Request, name: str) -> Opening:
        team, folder, reviewer = self._team, _folder(self._team, request), self._team.access.reviewer(request)
        loop = asyncio.get_running_loop()

        def finish() -> None:
            loop.call_soon_threadsafe(team.reviews.close, name)

        return lambda: team.review(folder, reviewer, finish)


# --- requests ---------------------------------------------------------------------------


def _folder(team: Team, request: Request) -> Path:
    """The folder of the run that the path names. Raises HTTPException if none of that name is listed."""
    from starlette.exceptions import HTTPException

    folder = folders(team.place).get(request.path_params["name"])
    if folder is None:
        raise HTTPException(404)
    observed(request).run = folder.name
    return folder


def _route(path: str) -> str:
    """The route of a request, without the name of a run; "other": there is none."""
    if path in FIXED_PATHS:
        return path
    if of_data := _OF_DATA.match(path):
        return f"{DATA}/{of_data[1] or ''}"
    of_run = _OF_RUN.match(path)
    return f"{RUN}/{of_run[1]}" if of_run else "other"


def _joined(seen: Observed, served: Observed) -> Observed:
    """The facts of a request in an application: that of `dstill serve` has its own `Observed`."""
    if served is not seen:
        served.run, served.route = seen.run, seen.route + served.route.lstrip("/")
    return served


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; empty if it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _is_foreign(request: Request) -> bool:
    """Whether another site made the browser send `request`. It may not make this machine work."""
    return request.headers.get("sec-fetch-site") == CROSS_SITE


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _address(request: Request) -> str:
    """Path and query of `request`, relative to the start page."""
    path, query = (request.scope[part].decode("latin-1").lstrip("/") for part in ("raw_path", "query_string"))
    return f"{path}?{query}" if query else path


def _within(address: str) -> str:
    """`address`, relative to the login page, if it is one of ours; the start page otherwise."""
    ours = address.startswith(("runs/", "compare?")) and address.isascii() and address.isprintable()
    return f"./{address}" if ours and "\\" not in address else "./"


# --- replies ----------------------------------------------------------------------------


async def _file(request: Request) -> Response:
    from starlette.responses import Response

    name, kind = FILES[request.scope["path"]]
    return Response((WEB / name).read_bytes(), media_type=kind)


def _ask(request: Request, what: str) -> Response:
    """A page with a link to itself: whoever follows it comes from this site."""
    return page(request, "ask.html.j2", what=what, address=_address(request).rpartition("/")[2] or "./")


def _json_error(request: Request, error: RequestError) -> Response:
    from starlette.responses import JSONResponse

    observed(request).code = error.code
    return JSONResponse(error.body, error.status, error.headers)


def _problem(message: str, status: int) -> Response:
    """An error in the form that the page of the review shows."""
    from starlette.responses import JSONResponse

    return JSONResponse({"problems": [{"message": message}]}, status)


async def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, DstillError):
        return error_page(request, error)
    note_bug(error)
    return error_page(request, DstillError(f"bug in dstill: {type(error).__name__}"), 500)


async def _no_page(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    if status == 404:
        reply = error_page(request, UsageError("there is no such page or run"), 404)
    else:
        reply = error_page(request, UsageError(f"{request.method} is not possible here"), status)
    reply.headers.update(getattr(error, "headers", None) or {})
    return reply
