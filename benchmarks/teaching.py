"""Speed of asking a teacher: `replies` with its store, against a bare ``asyncio.gather`` over the same SDK client.

1,000 questions, 200 ms a reply, 64 in flight. The server (tests/support/loopback_teacher.py) is a process of its
own on another core where there is one; the asking process is held to one core. Each run has a loop, a client and
a store of its own; the bare one keeps nothing and tries nothing again.

    python -m benchmarks.teaching        # the server alone: its address on stdout, until stdin ends
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, figure, interleaved

from dstill.api.records import Example, Message, Prompt
from dstill.api.task import Check, Task
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, replies
from dstill_openai.teacher import OpenAIConfig, OpenAITeacher

ROWS, DELAY, IN_FLIGHT, PAIRS = 1_000, 0.2, 64, 7
IDEAL = ROWS * DELAY / IN_FLIGHT  # seconds
BAR = 1.05
TESTS = Path(__file__).parents[1] / "tests"


def figures() -> Iterable[Figure]:
    mine, bare = _Timed(_ours), _Timed(_bare)
    with _one_core(), _server() as url:
        measured = interleaved(lambda: mine(url), lambda: bare(url), pairs=PAIRS)
    seconds, bare_seconds = (statistics.median(each) for each in zip(*measured, strict=True))
    yield figure(
        "1,000 replies of 200 ms, 64 in flight",
        measured,
        f"{seconds:.2f} s; the bar is {BAR} x a bare asyncio.gather ({bare_seconds:.2f} s); "
        f"{(seconds - bare_seconds) / ROWS * 1e3:+.2f} ms a row; {seconds / IDEAL:.2f} x the ideal {IDEAL:.2f} s, "
        f"bare {bare_seconds / IDEAL:.2f} x; processor {mine.processor:.2f} ms a row, bare {bare.processor:.2f} ms",
    )


class _Timed:
    """Seconds of a run; what it took of the processor is kept, as that is what a busy machine does not change."""

    def __init__(self, work: Callable[[str], Coroutine[Any, Any, float]]) -> None:
        self._work = work
        self._processor: list[float] = []

    def __call__(self, url: str) -> float:
        started = time.process_time()
        seconds = asyncio.run(self._work(url))
        self._processor.append(time.process_time() - started)
        return seconds

    @property
    def processor(self) -> float:
        """Milliseconds a row."""
        return statistics.median(self._processor) / ROWS * 1e3


class _Plain(Task):
    name = "plain"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()


def _prompts() -> Iterator[Prompt]:
    for n in range(ROWS):
        example = Example(id=str(n), question=f"question {n}: " + "which requests failed? " * 20)
        yield Prompt(example=example, messages=(Message(role="user", content=example.question),))


async def _ours(url: str) -> float:
    config = OpenAIConfig(base_url=url, model="toy", api_key_env="", max_retries=0)
    counts, started = Counts(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ReplyStore(Path(folder) / "replies.sqlite") as store:
        teacher = OpenAITeacher(config)
        teacher.json_mode = "off"  # the same words as the bare one sends
        async with teacher.open(_Plain()):
            async for _ in replies(teacher, _prompts(), store, concurrency=IN_FLIGHT, counts=counts):
                pass
        seconds = time.perf_counter() - started
    assert counts.bought == ROWS
    return seconds


async def _bare(url: str) -> float:
    import openai

    started, slots = time.perf_counter(), asyncio.Semaphore(IN_FLIGHT)
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def one(prompt: Prompt) -> str | None:
            async with slots:
                completion = await client.chat.completions.create(
                    model="toy",
                    max_tokens=2048,
                    temperature=0.0,
                    messages=[{"role": "user", "content": prompt.messages[0].content}],
                )
            return completion.choices[0].message.content

        texts = await asyncio.gather(*map(one, _prompts()))
    assert all(texts)
    return time.perf_counter() - started


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """This process on one core, what it starts meanwhile on the others."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.teaching"]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if rest := set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0):
        os.sched_setaffinity(server.pid, rest)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(30)


def _serve() -> None:
    sys.path.insert(0, str(TESTS))
    from support.loopback_teacher import LoopbackTeacher

    with LoopbackTeacher(delay=DELAY) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve()
