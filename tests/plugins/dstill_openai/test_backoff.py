"""Backoff, and pauses that apply to all requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from support.loopback_teacher import LoopbackTeacher, Say, answer, error
from support.openai_asking import opened, prompt

from dstill_openai.backoff import backoff

pytestmark = pytest.mark.usefixtures("key")


def test_backoff_grows_with_full_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real times
    for attempt, most in ((1, 0.5), (2, 1.0), (5, 8.0), (20, 60.0), (10_000, 60.0)):
        waits = [backoff(attempt) for _ in range(300)]
        assert 0 <= min(waits) < most / 4
        assert most * 3 / 4 < max(waits) <= most


def test_pause_applies_to_all_requests(caplog: pytest.LogCaptureFixture) -> None:
    """Requests that have not got the error wait too."""
    told: list[float] = []

    def script() -> Iterator[Say]:
        told.append(time.monotonic())  # as the first request has come
        yield error(429, headers={"retry-after": "1"})
        yield from [answer("x")] * 6

    async def run() -> None:
        async with teacher:
            first = asyncio.create_task(teacher.ask(prompt("first")))
            async with asyncio.timeout(60):
                while not any("rate-limited" in message for message in caplog.messages):
                    await asyncio.sleep(0.01)
            await asyncio.gather(*(teacher.ask(prompt(f"q{n}")) for n in range(5)))
            assert time.monotonic() - told[0] >= 1.0
            await first

    with LoopbackTeacher(script=script()) as server:
        teacher = opened(server.base_url)
        asyncio.run(run())
        assert len(server.requests) == 7
