"""Concurrency falls after a 429, grows again with success, and never exceeds its setting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.loopback_teacher import LoopbackTeacher, Say, error
from support.openai_asking import counted

from dstill.teacher.client import Counts
from dstill_openai.concurrency import ConcurrencyLimit


async def acquire_many(limit: ConcurrencyLimit, many: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(limit.acquire()) for _ in range(many)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_nothing_waits_without_a_429() -> None:
    async def work() -> None:
        limit = ConcurrencyLimit("host")
        assert all(task.done() for task in await acquire_many(limit, 500))

    asyncio.run(work())


def test_errors_429_of_one_round_halve_the_limit_once(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        limit = ConcurrencyLimit("host")
        tickets = [task.result() for task in await acquire_many(limit, 8)]
        for ticket in tickets:
            limit.decrease(ticket)
            limit.release()
        assert sum(task.done() for task in await acquire_many(limit, 8)) == 4

    asyncio.run(work())
    assert caplog.messages == ["rate-limited by host, requests in flight: 4 instead of 8"]


def test_limit_grows_by_one_per_round_until_it_is_lifted() -> None:
    async def work() -> None:
        limit = ConcurrencyLimit("host")
        tasks = await acquire_many(limit, 8)
        limit.decrease(tasks[0].result())
        for _ in range(8):
            limit.release()
        sizes = []
        for _ in range(5):
            tasks = await acquire_many(limit, 8)
            sizes.append(sum(task.done() for task in tasks))
            for _ in range(8):
                await asyncio.sleep(0)
                limit.release(grow=True)
        assert sizes == [4, 5, 6, 8, 8]
        assert all(task.done() for task in await acquire_many(limit, 50))

    asyncio.run(work())


def test_limit_never_falls_below_one() -> None:
    async def work() -> None:
        limit = ConcurrencyLimit("host")
        for _ in range(5):
            ticket = await asyncio.wait_for(limit.acquire(), 1)
            limit.decrease(ticket)
            limit.release()

    asyncio.run(work())


@given(st.lists(st.sampled_from(["enter", "leave", "grow", "cut", "cancel"]), max_size=60))
def test_slots_are_conserved(  # noqa: C901  # one branch for each kind of step
    steps: list[str],
) -> None:
    """For any sequence of steps: when all have left, the next one enters at once."""

    async def work() -> None:
        logging.disable(logging.WARNING)
        limit = ConcurrencyLimit("host")
        tasks: list[asyncio.Task[int]] = []
        inside: list[int] = []
        for step in steps:
            if step == "enter":
                tasks.append(asyncio.create_task(limit.acquire()))
            elif step == "cancel" and tasks:
                tasks[-1].cancel()
            elif step == "cut" and inside:
                limit.decrease(inside[-1])
            elif step in ("leave", "grow") and inside:
                inside.pop()
                limit.release(grow=step == "grow")
            for _ in range(3):
                await asyncio.sleep(0)
            inside += [task.result() for task in tasks if task.done() and not task.cancelled()]
            tasks = [task for task in tasks if not task.done()]
            assert limit._in_flight == len(inside)
        while inside or tasks:
            if inside:
                inside.pop()
                limit.release()
            for _ in range(3):
                await asyncio.sleep(0)
            inside += [task.result() for task in tasks if task.done() and not task.cancelled()]
            tasks = [task for task in tasks if not task.done()]
            assert inside or not tasks, "somebody waits for ever"
        await asyncio.wait_for(limit.acquire(), 1)

    try:
        asyncio.run(work())
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("key")
def test_busy_endpoint_gets_fewer_requests_and_answers_all(tmp_path: Path) -> None:
    """The endpoint accepts four requests at once and refuses others without Retry-After."""

    def script() -> Iterator[Say | None]:
        while True:
            refused.append(server.in_flight >= 4)
            yield error(429) if refused[-1] else None

    refused: list[bool] = []
    server = LoopbackTeacher(script=script(), delay=0.02)  # type: ignore[arg-type]
    with server:
        store, questions = tmp_path / "replies.sqlite", [f"question {n}" for n in range(120)]
        assert counted(server.base_url, store, questions, concurrency=16, max_retries=50) == Counts(bought=120)
    assert sum(refused) < 120, "sixteen at once would be refused more often than answered"
