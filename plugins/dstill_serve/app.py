"""The HTTP routes of a served student.

    service = Service(student=…, queue=…, runner=…, access=…, metrics=…, timeout=60)
    application(service)            # for uvicorn

Each request gets exactly one complete reply: its answer or an error in OpenAI's format. If the client disconnects while
its request is waiting, the request is dropped and costs the student nothing. What the student does not answer may go
to a large model (`dstill.confidence.fallback`), which takes none of the student's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dstill.api.records import Example, OutcomeKind, Prediction
from dstill.api.rows import Caller, Claims
from dstill.cli.console import note_bug
from dstill.errors import DstillError, ServiceError
from dstill.io.inert import visible
from dstill.io.strict_json import dumps
from dstill.runtime.http import with_policy
from dstill.stages.predict.predicted import PredictedAnswer
from dstill_serve.auth import Policy
from dstill_serve.engine import Runner
from dstill_serve.errors import RequestError, from_exception
from dstill_serve.feedback import FeedbackLog, parse_check, parse_feedback, problems
from dstill_serve.info import model_info
from dstill_serve.metrics import Metrics
from dstill_serve.microbatcher import Full, Queue
from dstill_serve.observed import KEY, Observed, RequestLog
from dstill_serve.observed import of as observed
from dstill_serve.openapi import description
from dstill_serve.request_schema import Query, parse_chat, parse_query, read_body
from dstill_serve.responses import chat_chunks, chat_completion, query_response, server_sent_events
from dstill_serve.student import Job, Student, StudentAnswer
from dstill_serve.tracing import Traces

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Service", "application"]

T = TypeVar("T")
Endpoint = Callable[["Request"], Awaitable["Response"]]

WEB = Path(__file__).parent / "web"
FILES = {
    "/": "text/html",
    "/page.css": "text/css",
    "/page.js": "text/javascript",
    "/answer.js": "text/javascript",
    "/result.js": "text/javascript",
    "/feedback.js": "text/javascript",
    "/icon.svg": "image/svg+xml",
}
ROUTES = (
    "/v1/query",
    "/v1/chat/completions",
    "/v1/models",
    "/v1/about",
    "/v1/check",
    "/v1/feedback",
    "/healthz",
    "/metrics",
    "/openapi.json",
    *FILES,
)
RETRY_AFTER = 5  # seconds, sent when the engine is unavailable or the server is stopping
CLIENT_CLOSED_REQUEST = 499  # the status under which disconnected clients are counted


class ClientGone(Exception):
    """The client disconnected before its answer was ready."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A student with everything that serves it."""

    student: Student
    queue: Queue[Job, StudentAnswer]
    runner: Runner
    access: Policy
    metrics: Metrics
    timeout: float  # seconds from a request to its answer
    feedback: FeedbackLog | None = None  # None: this server takes no feedback
    log: RequestLog | None = None
    traces: Traces = field(default_factory=Traces)
    at: str = ""  # the address of the routes, relative to /openapi.json; empty: the root
    started: int = field(default_factory=lambda: int(time.time()))  # Unix time

    @property
    def executes(self) -> bool:
        return self.student.predictor.executor is not None

    async def answer(self, query: Query, claims: Claims | None) -> tuple[StudentAnswer, PredictedAnswer]:
        """The answer of the student or its fallback, and the same answer executed if the query asks for that.

        `claims`: of the caller, for the rows that the answer may read; None: those of the configuration. Raises
        RequestError if the query cannot be answered, the queue is full or the timeout passes.
        """
        executor = self.student.predictor.executor
        if query.execute and executor is None:
            raise RequestError(400, "not_executable", "this server does not execute answers", param="execute")
        deadline = asyncio.get_running_loop().time() + self.timeout
        job = await asyncio.to_thread(self.student.job, query) if query.after else self.student.job(query)
        asked = Caller.asking(job.example, claims)
        if query.execute and executor is not None and (missing := executor.missing_claims(asked)):
            message = f"answers run for callers whose token has the claim {', '.join(sorted(missing))}"
            raise RequestError(403, "missing_claim", message)
        try:
            ticket = self.queue.put(job)
        except Full as full:
            message = f"too many requests in progress; try again in {full.wait} s"
            raise RequestError(503, "overloaded", message, retry_after=full.wait) from None
        try:
            with self.traces.step("answer"):
                answer = await asyncio.wait_for(asyncio.wrap_future(ticket.result), self.timeout)
                self.traces.past(answer.predicted.steps)
            self.metrics.wrote(answer.predicted.tokens, answer.prompt_tokens)
            if self.student.predictor.needs_fallback(answer.predicted):
                with self.traces.step("fallback"):
                    answer = answer.replaced(await self._fallen_back(job.example, answer.predicted, _until(deadline)))
            self.metrics.answered(answer.predicted)
            if not query.execute:
                return answer, answer.predicted
            with self.traces.step("execute") if answer.predicted.ok else contextlib.nullcontext():
                executed = await self.runner.run(
                    asked, answer.predicted, timeout=_until(deadline), alternatives=query.alternatives
                )
            if executed.outcome:
                self.metrics.executed(executed.outcome)
            return answer, executed
        except TimeoutError:
            raise RequestError(504, "timeout", f"no answer within {self.timeout:g} s") from None
        finally:
            ticket.release()

    async def _fallen_back(self, example: Example, answered: PredictedAnswer, timeout: float) -> PredictedAnswer:
        """The large model's answer in the place of the student's, or the student's abstention with both reasons."""
        predictor = self.student.predictor
        prediction: Prediction | DstillError
        assert predictor.fallback is not None
        try:
            prediction = await asyncio.wait_for(asyncio.wrap_future(predictor.fallback.ask(example)), timeout)
        except TimeoutError:
            prediction = ServiceError(f"not within {timeout:.1f} s")
        except DstillError as error:
            prediction = error
        self.metrics.asked_fallback(answered=isinstance(prediction, Prediction), usd=predictor.fallback.usd)
        answer = await asyncio.to_thread(predictor.from_fallback, example, answered, prediction)
        if answer.by_fallback:
            self.traces.past(answer.steps)
        return answer


def _until(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())


def application(service: Service) -> Starlette:
    """The ASGI application of `service`. Raises DataError if the run's data cannot be read."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.routing import Route

    api = _Api(service)
    return Starlette(
        routes=[
            Route("/v1/query", _with_errors(api.query), methods=["POST"]),
            Route("/v1/chat/completions", _with_errors(api.chat), methods=["POST"]),
            Route("/v1/models", _with_errors(api.models)),
            Route("/v1/models/{name}", _with_errors(api.model)),
            Route("/v1/about", _with_errors(api.about)),
            Route("/v1/check", _with_errors(api.check), methods=["POST"]),
            Route("/v1/feedback", _with_errors(api.feedback), methods=["POST"]),
            Route("/healthz", _with_errors(api.health)),
            Route("/metrics", _with_errors(api.prometheus)),
            Route("/openapi.json", _with_errors(api.openapi)),
            *(Route(path, _with_errors(_file)) for path in FILES),
        ],
        middleware=[Middleware(_Guard, service=service)],
        exception_handlers={HTTPException: _no_route},
    )


class _Api:
    """The endpoints."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._student = service.student
        self._task = service.student.run.task
        # Read once: only `drift` changes while the server runs.
        info = model_info(self._student, executes=service.executes, feedback=service.feedback is not None)
        self._info = visible(dumps({**info, "drift": []}))
        self._openapi = dumps(description(self._task, token=service.access.requires_token, at=service.at))
        self._model = {
            "id": self._student.model,
            "object": "model",
            "created": service.started,
            "owned_by": "dstill",
        }

    async def query(self, request: Request) -> Response:
        query = parse_query(await self._body(request), self._task.data_key)
        answer, predicted = await self._answer(request, query)
        row = query_response(self._task, query, self._student.job(query).example, predicted, answer)
        if predicted.outcome == OutcomeKind.UNAVAILABLE:
            message = f"the answer was not executed because the engine is unavailable: {predicted.reason}"
            raise RequestError(503, "engine_unavailable", message, retry_after=RETRY_AFTER, extra={"answered": row})
        return _json(row)

    async def chat(self, request: Request) -> Response:
        from starlette.responses import StreamingResponse

        query = parse_chat(await self._body(request), self._task.data_key)
        answer, _ = await self._answer(request, query)
        if not query.stream:
            return _json(chat_completion(self._student, query, answer))
        events = server_sent_events(chat_chunks(self._student, query, answer))
        return StreamingResponse(events, media_type="text/event-stream")

    async def check(self, request: Request) -> Response:
        body = parse_check(await self._body(request), self._task.data_key)
        observed(request).question = body.query.question
        example = self._student.job(body.query).example
        with self._service.traces.step("check"):
            faults = await asyncio.to_thread(problems, self._student, example, body.answer)
        return _json(
            {
                "ok": not any(fault.is_error for fault in faults),
                "problems": [fault.to_row() for fault in faults],
            }
        )

    async def feedback(self, request: Request) -> Response:
        log = self._service.feedback
        if log is None:
            message = "this server takes no feedback; its owner can start it with --feedback FILE"
            raise RequestError(404, "feedback_off", message)
        body = parse_feedback(await self._body(request), self._task.data_key)
        observed(request).question = body.query.question
        example = self._student.job(body.query).example
        if body.gold is not None:
            answer, param = body.gold
            with self._service.traces.step("check"):
                faults = await asyncio.to_thread(problems, self._student, example, answer)
            if error := next((fault for fault in faults if fault.is_error), None):
                extra = {"problems": [fault.to_row() for fault in faults]}
                message = f"'{param}' does not pass the checks: {error.message}"
                raise RequestError(422, "invalid_answer", message, param=param, extra=extra)
        row = await asyncio.to_thread(log.append, body, self._student.model)
        if (memory := self._student.predictor.memory) is not None:
            memory.add(row)
        self._service.metrics.judged(row.verdict)
        return _json({"id": row.id})

    async def models(self, _: Request) -> Response:
        return _json({"object": "list", "data": [self._model]})

    async def model(self, request: Request) -> Response:
        self._student.require_model(request.path_params["name"])
        return _json(self._model)

    async def about(self, _: Request) -> Response:
        state = await self._service.runner.state()
        drift = visible(dumps(state.drift))
        return _raw_json(self._info.replace('"drift":[]', f'"drift":{drift}'))

    async def health(self, request: Request) -> Response:
        service = self._service
        state, alive = await service.runner.state(), service.queue.alive
        service.metrics.engine_checked(state.reachable)
        status: dict[str, Any] = {
            "status": "ok" if alive else "down",
            "model": "ready" if alive else "gone",
            "engine": {None: "not used", True: "reachable", False: "unreachable"}[state.reachable],
        }
        if service.access.authorized(request):  # `drift` has names of fields
            status |= {"reason": state.reason, "drift": state.drift, "inside": service.queue.in_progress}
        return _json(status, 200 if alive else 503)

    async def prometheus(self, _: Request) -> Response:
        from starlette.responses import Response

        metrics = self._service.metrics
        metrics.engine_checked((await self._service.runner.state()).reachable)
        return Response(metrics.text(), headers={"content-type": metrics.content_type})

    async def openapi(self, _: Request) -> Response:
        return _raw_json(self._openapi)

    async def _body(self, request: Request) -> dict[str, Any]:
        with self._service.traces.step("read"):
            return await read_body(request)

    async def _answer(self, request: Request, query: Query) -> tuple[StudentAnswer, PredictedAnswer]:
        seen = observed(request)
        seen.question = query.question
        answer, predicted = await _unless_disconnected(
            request, self._service.answer(query, self._service.access.claims(request))
        )
        seen.answered = predicted
        return answer, predicted


async def _file(request: Request) -> Response:
    from starlette.responses import Response

    path = request.scope["path"]
    return Response((WEB / ("page.html" if path == "/" else path[1:])).read_bytes(), media_type=FILES[path])


class _Guard:
    """Middleware that checks access, adds the security headers to every reply, and counts, logs and traces requests."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        service, request, send_with_policy = self._service, Request(scope), with_policy(send)
        path = scope["path"]
        seen = scope[KEY] = Observed(method=scope["method"], route=path if path in ROUTES else "other")

        async def recording(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
            await send_with_policy(message)

        try:
            with service.traces.request(seen, request.headers):
                await self._reply(request, receive, recording)
        finally:
            service.metrics.requested(seen.route, seen.status, seen.seconds)
            if service.log is not None:
                service.log.write(seen)

    async def _reply(self, request: Request, receive: Receive, send: Send) -> None:
        try:
            if error := self._service.access.check(request):
                await _error(error, request)(request.scope, receive, send)
            else:
                await self._app(request.scope, receive, send)
        except asyncio.CancelledError:  # the server stops and the grace period for requests in progress is over
            if not observed(request).status:
                stopping = RequestError(503, "stopping", "the server is stopping", retry_after=RETRY_AFTER)
                await _error(stopping, request)(request.scope, receive, send)
            raise


# --- replies ----------------------------------------------------------------------------


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply that is safe to print to a terminal: control characters are escaped."""
    return _raw_json(visible(dumps(value)), status, headers)


def _raw_json(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    from starlette.responses import Response

    return Response(text, status, headers, media_type="application/json")


def _error(error: RequestError, request: Request) -> Response:
    observed(request).code = error.code
    return _json(error.body, error.status, error.headers)


def _with_errors(endpoint: Endpoint) -> Endpoint:
    """`endpoint` with exceptions turned into replies. A bug is logged with its place, without data of the request."""

    async def safe(request: Request) -> Response:
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response

        try:
            return await endpoint(request)
        except (ClientGone, ClientDisconnect):
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except Exception as error:
            if not isinstance(error, RequestError | DstillError):
                note_bug(error)
            return _error(from_exception(error), request)

    return safe


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    code = "not_found" if status == 404 else "method_not_allowed"
    message = f"there is no route {request.method} {request.scope['path'][:200]}"
    reply = _error(RequestError(status, code, message), request)
    reply.headers.update(getattr(error, "headers", None) or {})  # Allow, if the path has other methods
    return reply


async def _unless_disconnected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled if the client disconnects. Raises ClientGone in that case."""

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(work), asyncio.create_task(disconnected())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise ClientGone
        return tasks[0].result()  # type: ignore[return-value]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
