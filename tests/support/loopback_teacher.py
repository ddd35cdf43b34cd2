"""A real HTTP server on loopback that speaks chat completions, with faults by script.

    with LoopbackTeacher() as server:                        # answers every question with its own words
        server.base_url                                      # http://127.0.0.1:PORT/v1
    with LoopbackTeacher(script=[error(429, headers={"retry-after": "1"}), broken_json()]) as server:
        ...                                                  # the first two requests fail, then all is well

`refuse` gets the body of each request and may return what to say instead of a reply (`support.refusals`).
`server.requests` are the bodies that came in, `server.queries` their queries, `server.keys` the Authorization
headers, `server.sold` the questions (last message) whose answer went out as a whole completion, in order: what
was bought. What precedes ``/v1`` in an address is free: several runs tell their requests apart by it.
It runs in a thread with a loop of its own; or, so that it outlives whoever is killed, as a process:

    python -m support.loopback_teacher --log sold.jsonl --answers answers.json     # says its address, ends with stdin

with ``{"event": "asked" | "sold", "at": monotonic, "path", "question", "words"}`` a line of the log. `words`
is a hash of all that was asked. `support.faults` names the faults that there are.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from support.loopback_batches import LoopbackBatches

__all__ = [
    "LoopbackTeacher",
    "Messages",
    "Say",
    "answer",
    "bomb",
    "broken_json",
    "cut_body",
    "error",
    "from_answers",
    "hang",
    "html",
    "question_in",
    "raw",
]


Messages = Sequence[Mapping[str, str]]
SENT_BACK = "That reply cannot be used"  # as `Task.correction` begins


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


def bomb() -> Say:
    """1 GiB of spaces, as 1 MB of gzip."""
    pack = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    head, block = (pack.compress(b" " * 2**20) + pack.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return Say(body=head + 1023 * block, headers={"content-type": "application/json", "content-encoding": "gzip"})


def hang(seconds: float = 30.0) -> Say:
    return Say(delay=seconds)


def question_in(messages: Messages) -> tuple[str, int]:
    """The question of a conversation, and how often its reply was sent back since."""
    users = [message["content"] for message in messages if message["role"] == "user"]
    sent_back = sum(text.startswith(SENT_BACK) for text in users)
    return users[-1 - sent_back], sent_back


def from_answers(answers: Mapping[str, str | Sequence[str]]) -> Callable[[Messages], str]:
    """Replies looked up by the longest of the questions that the prompt contains.

    Of several the first, and the next each time that the reply is sent back.
    """
    longest = sorted(answers, key=len, reverse=True)

    def reply(messages: Messages) -> str:
        asked, sent_back = question_in(messages)
        found = next((answers[question] for question in longest if question in asked), "I do not know that.")
        return found if isinstance(found, str) else found[min(sent_back, len(found) - 1)]

    return reply


class LoopbackTeacher:
    """`reply` gets the last message of a conversation, `reply_to` the whole of it.

    ``{words}`` in a reply becomes the hash of all that was asked, so that replies differ.
    """

    def __init__(
        self,
        reply: Callable[[str], str] = lambda question: f"<rationale>because</rationale><answer>{question}</answer>",
        *,
        reply_to: Callable[[Messages], str] | None = None,
        script: Iterable[Say] = (),
        refuse: Callable[[Mapping[str, Any]], Say | None] = lambda body: None,
        delay: float = 0.0,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.reply_to = reply_to or (lambda messages: reply(messages[-1]["content"]))
        self.delay, self.port, self.refuse = delay, port, refuse
        self.script = iter(script)
        self.requests: list[dict[str, Any]] = []
        self.queries: list[Mapping[str, str]] = []
        self.keys: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.sold: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self.batches = LoopbackBatches(server=self)
        self._log = None if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
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
        assert self._ready.wait(60), "the loopback teacher did not start"
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        if self._log is not None:
            os.close(self._log)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/{before:.*}/chat/completions", self._complete)
        app.router.add_routes(self.batches.routes())
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        self.headers.append(dict(request.headers))
        self.queries.append(dict(request.query))
        question = body["messages"][-1]["content"]
        words = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:16]
        self._note("asked", request, question, words)
        say = next(self.script, None) or self.refuse(body)
        say = say or answer(self.reply_to(body["messages"]).replace("{words}", words))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(say.delay or self.delay)
        finally:
            self.in_flight -= 1
        if say.sells:
            self.sold.append(question)
            self._note("sold", request, question, words)
        if not say.announce:
            return web.Response(status=say.status, body=say.body, headers=say.headers)
        response = web.StreamResponse(status=say.status, headers=say.headers)
        response.content_length = len(say.body) + say.announce
        await response.prepare(request)
        await response.write(say.body)
        assert request.transport is not None
        request.transport.close()
        return response

    def _note(self, event: str, request: web.Request, question: str, words: str) -> None:
        """Log the event before it happens: a reply in the log may have been bought, any other was not."""
        if self._log is not None:
            line = {"event": event, "at": time.monotonic(), "path": request.path, "question": question, "words": words}
            os.write(self._log, json.dumps(line).encode() + b"\n")


def main() -> None:
    """The server as a process of its own, until its standard input ends."""
    from support.faults import FAULTS

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one, which is said")
    parser.add_argument("--log", type=Path, help="file that gets a line for all that is asked and sold")
    parser.add_argument("--answers", type=Path, help="JSON: question → reply, or replies in turn; else its own words")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds a reply")
    parser.add_argument("--fault", choices=FAULTS, action="append", default=[], help="of one request; repeatable")
    given = parser.parse_args()
    reply_to = from_answers(json.loads(given.answers.read_text())) if given.answers else None
    script = (FAULTS[name]() for name in given.fault)  # made when asked: a date is of that moment
    with LoopbackTeacher(reply_to=reply_to, script=script, delay=given.delay, port=given.port, log=given.log) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
