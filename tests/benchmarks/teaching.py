"""Speed of asking a teacher: `replies` with its store, against a bare ``asyncio.gather`` over the same SDK client.

1,000 questions, 200 ms a reply, 64 in flight. The server (tests/support/loopback_teacher.py) is a process of its
own on another core where there is one; the asking process is held to one core. Each run has a loop, a client and
a store of its own; the bare one keeps nothing and tries nothing again.

    python -m tests.benchmarks.teaching        # the server alone: its address on stdout, until stdin ends
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
from pathlib import Path
from typing import Iterable, Iterator

from tests.benchmarks.measure import Figure, figure, interleaved

from dstill.asking import Counts, replies
from dstill.records import Example, Message, Prompt
from dstill.store import ReplyStore
from dstill.task import Check, Task
from dstill_openai.teacher import OpenAIConfig, OpenAITeacher

ROWS, DELAY, IN_FLIGHT, PAIRS = 1_000, 0.2, 64, 7
IDEAL = ROWS * DELAY / IN_FLIGHT  # seconds
BAR = 1.05
TESTS = Path(__file__).parents[1]


def figures() -> Iterable[Figure]:
    with _one_core(), _server() as url:
        measured = interleaved(lambda: asyncio.run(_ours(url)), lambda: asyncio.run(_bare(url)), pairs=PAIRS)
    mine, bare = (statistics.median(seconds) for seconds in zip(*measured, strict=True))
    yield figure(
        "1,000 replies of 200 ms, 64 in flight",
        measured,
        f"{mine:.2f} s; the bar is {BAR} x a bare asyncio.gather ({bare:.2f} s); {(mine - bare) / ROWS * 1e3:+.2f} ms "
        f"a row; {mine / IDEAL:.2f} x the ideal {IDEAL:.2f} s, bare {bare / IDEAL:.2f} x",
    )


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
        async with OpenAITeacher(config).open(_Plain()) as teacher:
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
    command = [sys.executable, "-m", "tests.benchmarks.teaching"]
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
