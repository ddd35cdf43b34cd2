"""A real HTTP server on loopback that speaks chat completions, with faults by script.

    with LoopbackTeacher() as server:                        # answers every question with its own words
        server.base_url                                      # http://127.0.0.1:PORT/v1
    with LoopbackTeacher(script=[error(429, headers={"retry-after": "1"}), broken_json()]) as server:
        ...                                                  # the first two requests fail, then all is well

`server.requests` are the bodies that came in, `server.keys` the Authorization headers, `server.sold` the
questions (last message) whose answer went out as a whole completion, in order: what was bought.
It runs in a thread with a loop of its own.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Self

from aiohttp import web

__all__ = [
    "LoopbackTeacher",
    "Say",
    "answer",
    "broken_json",
    "cut_body",
    "error",
    "hang",
    "html",
    "raw",
]


@dataclass(frozen=True, kw_only=True)
class Say:
    """One response. `sells`: it is a whole completion, so a real endpoint would charge for it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    delay: float = 0.0
    announce: int = 0  # content-length beyond the body's: the connection closes inside the body
    sells: bool = False


def raw(value: Any, **more: Any) -> Say:
    return Say(body=json.dumps(value).encode(), **more)


def answer(text: str | None, *, finish: str | None = "stop", usage: bool = True, **message: Any) -> Say:
    counted = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "toy", "choices": [choice]}
    return raw({**body, "usage": counted} if usage else body, sells=True)


def error(
    status: int, message: str = "no", *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Say:
    body = {"error": {"message": message, "type": code, "code": code, "param": None}}
    return raw(body, status=status, headers={"content-type": "application/json", **(headers or {})})


def html(status: int = 200) -> Say:
    return Say(status=status, body=b"<!doctype html><p>log in</p>", headers={"content-type": "text/html"})


def broken_json() -> Say:
    return Say(body=b'{"id": "c", "choices": [{"mess')


def cut_body() -> Say:
    return Say(body=b'{"id": "c", "choi', announce=5_000)


def hang(seconds: float = 30.0) -> Say:
    return Say(delay=seconds)


class LoopbackTeacher:
    def __init__(
        self,
        reply: Callable[[str], str] = lambda question: f"<rationale>because</rationale><answer>{question}</answer>",
        *,
        script: Iterable[Say] = (),
        delay: float = 0.0,
    ) -> None:
        self.reply, self.delay = reply, delay
        self.script = iter(script)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.sold: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def sold_twice(self) -> dict[str, int]:
        return {question: n for question, n in Counter(self.sold).items() if n > 1}

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the loopback teacher did not start"
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", self._complete)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        question = body["messages"][-1]["content"]
        say = next(self.script, None) or answer(self.reply(question))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(say.delay or self.delay)
        finally:
            self.in_flight -= 1
        if say.sells:
            self.sold.append(question)
        if not say.announce:
            return web.Response(status=say.status, body=say.body, headers=say.headers)
        response = web.StreamResponse(status=say.status, headers=say.headers)
        response.content_length = len(say.body) + say.announce
        await response.prepare(request)
        await response.write(say.body)
        assert request.transport is not None
        request.transport.close()
        return response
