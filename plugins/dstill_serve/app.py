"""The routes, and what a request goes through: the door, its form, the student's queue, the engine.

    service = Service(student=…, queue=…, runner=…, door=…, seconds=60)
    application(service)            # for uvicorn

A request ends in one of these ways, each once and whole: its answer, an error in OpenAI's form, or nothing where the
client has gone. Whoever goes while waiting costs the student nothing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Coroutine, Mapping, TypeVar

from dstill.api.records import OutcomeKind
from dstill.cli.console import note
from dstill.errors import DstillError
from dstill.io.inert import visible
from dstill.io.strict_json import dumps
from dstill.pipeline.predict import PredictedAnswer
from dstill.runtime.http import with_policy
from dstill_serve import problems
from dstill_serve.auth import Door
from dstill_serve.engine import Runner
from dstill_serve.info import about
from dstill_serve.metrics import Metrics
from dstill_serve.microbatcher import Full, Queue
from dstill_serve.problems import Wrong
from dstill_serve.request_schema import Query, body_of, chat_of, query_of
from dstill_serve.responses import chunks_of, completion_of, events, row_of
from dstill_serve.student import Job, Said, Student

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Service", "application"]

T = TypeVar("T")
Endpoint = Callable[["Request"], Awaitable["Response"]]

WEB = Path(__file__).parent / "web"
FILES = {"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"}
ROUTES = ("/v1/query", "/v1/chat/completions", "/v1/models", "/v1/about", "/healthz", "/metrics", *FILES)
AGAIN = 5  # seconds after which an engine that is away may be asked once more
GONE = 499  # what is counted where the client went before its answer


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One student at work."""

    student: Student
    queue: Queue[Job, Said]
    runner: Runner
    door: Door
    metrics: Metrics
    seconds: float  # from a request to its answer, at most
    began: int = field(default_factory=lambda: int(time.time()))

    @property
    def executes(self) -> bool:
        return self.student.answering.executor is not None

    async def answer(self, query: Query) -> tuple[Said, PredictedAnswer]:
        """What the student said, and what came of running it where that was asked. Raises Wrong."""
        if query.execute and not self.executes:
            raise Wrong(400, "not_executable", "this server runs no answers (--execute does)", param="execute")
        job, end = self.student.job(query), asyncio.get_running_loop().time() + self.seconds
        try:
            place = self.queue.put(job)
        except Full as full:
            message = f"too many requests are waiting; try again in {full.wait} s"
            raise Wrong(503, "overloaded", message, retry_after=full.wait) from None
        try:
            said = await asyncio.wait_for(asyncio.wrap_future(place.result), self.seconds)
            self.metrics.answered(said.answered, said.read)
            if not query.execute:
                return said, said.answered
            left = end - asyncio.get_running_loop().time()
            ran = await self.runner.ran(job.example, said.answered, seconds=left)
            if ran.outcome:
                self.metrics.ran(ran.outcome)
            return said, ran
        except TimeoutError:
            raise Wrong(504, "timeout", f"no answer within {self.seconds:g} s") from None
        finally:
            place.leave()


def application(service: Service) -> Starlette:
    """For uvicorn. Raises DataError where what the run is about cannot be read."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    student, metrics, task = service.student, service.metrics, service.student.run.task
    described = visible(dumps({**about(student, executes=service.executes), "drift": []}))

    def say(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        # the same JSON, which a terminal may show
        return Response(visible(dumps(value)), status, headers, media_type="application/json")

    def refusal(wrong: Wrong) -> Response:
        return say(wrong.body, wrong.status, wrong.headers)

    def told(endpoint: Endpoint) -> Endpoint:
        """What goes wrong, as an answer. Of a bug the terminal is told where it is, and nothing of the request."""

        async def whole(request: Request) -> Response:
            try:
                return await endpoint(request)
            except (ClientGone, ClientDisconnect):
                return Response(status_code=GONE)
            except Exception as error:
                if not isinstance(error, Wrong | DstillError):
                    note(f"bug in dstill: {type(error).__name__} {_place(error)}")
                return refusal(problems.of(error))

        return whole

    @told
    async def query(request: Request) -> Response:
        asked = query_of(await body_of(request), task.data_key)
        said, answered = await _unless_gone(request, service.answer(asked))
        row = row_of(task, answered, said, explain=asked.explain)
        if answered.outcome == OutcomeKind.UNAVAILABLE:
            message = f"the answer was not run, the engine is not there: {answered.reason}"
            raise Wrong(503, "engine_unavailable", message, retry_after=AGAIN, more={"answered": row})
        return say(row)

    @told
    async def chat(request: Request) -> Response:
        asked = chat_of(await body_of(request), task.data_key)
        said, _ = await _unless_gone(request, service.answer(asked))
        if not asked.stream:
            return say(completion_of(student, asked, said))
        return StreamingResponse(events(chunks_of(student, asked, said)), media_type="text/event-stream")

    model = {"id": student.model, "object": "model", "created": service.began, "owned_by": "dstill"}

    @told
    async def models(request: Request) -> Response:
        return say({"object": "list", "data": [model]})

    @told
    async def one_model(request: Request) -> Response:
        if (name := request.path_params["name"]) != student.model:
            raise Wrong(404, "model_not_found", f"no model '{name}' here; this is '{student.model}'", param="model")
        return say(model)

    @told
    async def health(request: Request) -> Response:
        state, alive = await service.runner.state(), service.queue.alive
        metrics.reached(state.reachable)
        found: dict[str, Any] = {
            "status": "ok" if alive else "down",
            "model": "ready" if alive else "gone",
            "engine": {None: "not used", True: "reachable", False: "unreachable"}[state.reachable],
        }
        if service.door.knows(request):  # names of fields are not for everybody
            found |= {"reason": state.reason, "drift": state.drift, "inside": service.queue.inside}
        return say(found, 200 if alive else 503)

    @told
    async def described_(request: Request) -> Response:
        state = await service.runner.state()
        drift = visible(dumps(state.drift))
        return Response(described.replace('"drift":[]', f'"drift":{drift}'), media_type="application/json")

    @told
    async def measured(request: Request) -> Response:
        metrics.reached((await service.runner.state()).reachable)
        return Response(metrics.text(), headers={"content-type": metrics.type})

    @told
    async def file(request: Request) -> Response:
        path = request.scope["path"]
        return Response((WEB / ("page.html" if path == "/" else path[1:])).read_bytes(), media_type=FILES[path])

    async def no_route(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        message = f"{request.method} {request.scope['path'][:200]} is nothing that is served here"
        answer = refusal(Wrong(status, "not_found" if status == 404 else "method_not_allowed", message))
        answer.headers.update(getattr(error, "headers", None) or {})  # Allow, where the path has other methods
        return answer

    class Guarded:
        """Turns away whom the door refuses, puts the policy on every answer, and counts."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            request, began = Request(scope), time.monotonic()
            status, guarded = 0, with_policy(send)

            async def sent(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await guarded(message)

            try:
                if wrong := service.door.refuses(request):
                    await refusal(wrong)(scope, receive, sent)
                else:
                    await self.app(scope, receive, sent)
            except asyncio.CancelledError:  # the server stops, and the time for what was under way is over
                if not status:
                    await refusal(Wrong(503, "stopping", "the server is stopping", retry_after=AGAIN))(
                        scope, receive, sent
                    )
                raise
            finally:
                path = scope["path"]
                metrics.requested(path if path in ROUTES else "other", status, time.monotonic() - began)

    return Starlette(
        routes=[
            Route("/v1/query", query, methods=["POST"]),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/models", models),
            Route("/v1/models/{name}", one_model),
            Route("/v1/about", described_),
            Route("/healthz", health),
            Route("/metrics", measured),
            *(Route(path, file) for path in FILES),
        ],
        middleware=[Middleware(Guarded)],
        exception_handlers={HTTPException: no_route},
    )


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client goes. Raises ClientGone."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(work), asyncio.create_task(gone())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise ClientGone
        return tasks[0].result()  # type: ignore[return-value]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _place(error: Exception) -> str:
    """``at student.py:40``: where it was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else f"at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
