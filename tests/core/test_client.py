"""Requests run in parallel; replies keep their order and are stored before they are yielded."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dstill.api.records import Example, Message, Problem, Prompt, Reply
from dstill.api.teacher import Teacher
from dstill.errors import AuthError, DataError, DiskError, DstillError, ServiceError
from dstill.teacher.budget import Budget, Caps
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, Scheduler, TeacherReply, replies


class Toy(Teacher):
    """Answers in capitals after `delay` seconds; `fails` says which questions it cannot answer."""

    name = "toy"

    def __init__(self, delay: Callable[[str], float] = lambda q: 0.0, fails: Mapping[str, DstillError] | None = None):
        super().__init__()
        self.delay, self.fails = delay, fails or {}
        self.asked: list[str] = []
        self.in_flight = self.most = 0

    async def ask(self, prompt: Prompt) -> Reply:
        question = prompt.example.question
        self.asked.append(question)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        await self.wait(question)
        self.in_flight -= 1
        if question in self.fails:
            raise self.fails[question]
        return Reply(id=prompt.example.id, text=question.upper())

    async def wait(self, question: str) -> None:
        await asyncio.sleep(self.delay(question))


def prompts(*questions: str) -> list[Prompt]:
    return [
        Prompt(example=Example(id=f"id-{n}", question=q), messages=(Message(role="user", content=q),))
        for n, q in enumerate(questions)
    ]


def ask(teacher: Teacher, asked: Any, store: ReplyStore, **how: Any) -> list[TeacherReply]:
    async def run() -> list[TeacherReply]:
        return [a async for a in replies(teacher, asked, store, **how)]

    return asyncio.run(run())


def texts(asked: list[TeacherReply]) -> list[str]:
    return [a.reply.text if isinstance(a.reply, Reply) else a.reply.code for a in asked]


def test_replies_keep_the_order_of_prompts(store: ReplyStore) -> None:
    teacher = Toy(delay=lambda q: 0.05 / (1 + ord(q) - ord("a")))  # the first takes longest
    asked = ask(teacher, prompts(*"abcdef"), store, concurrency=6)
    assert texts(asked) == list("ABCDEF")
    assert [a.reply.id for a in asked if isinstance(a.reply, Reply)] == [f"id-{n}" for n in range(6)]


def test_concurrency_bounds_requests_in_flight(store: ReplyStore) -> None:
    seven = asyncio.Barrier(7)

    class WaitsForSeven(Toy):
        """Answers none before seven are in flight."""

        async def wait(self, question: str) -> None:
            async with asyncio.timeout(60):
                await seven.wait()
            await super().wait(question)  # so that an eighth would also start

    teacher = WaitsForSeven(delay=lambda q: 0.005)
    ask(teacher, prompts(*map(str, range(6 * 7))), store, concurrency=7)
    assert teacher.most == 7


def test_cached_prompts_are_not_requested(store: ReplyStore) -> None:
    first, second = Counts(), Counts()
    ask(Toy(), prompts(*"abc"), store, counts=first)
    teacher = Toy()
    asked = ask(teacher, prompts(*"xcba"), store, counts=second)
    assert teacher.asked == ["x"]
    assert texts(asked) == list("XCBA")
    assert [a.cached for a in asked] == [False, True, True, True]
    assert [a.reply.id for a in asked if isinstance(a.reply, Reply)] == ["id-0", "id-1", "id-2", "id-3"]
    assert (first, second) == (Counts(bought=3), Counts(bought=1, cached=3))


def test_duplicate_prompts_are_requested_once(store: ReplyStore) -> None:
    teacher = Toy(delay=lambda q: 0.01)
    counts = Counts()
    assert texts(ask(teacher, prompts(*"aabaa"), store, counts=counts)) == list("AABAA")
    assert sorted(teacher.asked) == ["a", "b"]
    assert counts == Counts(bought=2, cached=3)


def test_each_sample_is_a_separate_reply(store: ReplyStore) -> None:
    teacher = Toy()
    ask(teacher, prompts("a"), store)
    ask(teacher, prompts("a"), store, sample=1)
    assert teacher.asked == ["a", "a"]
    assert len(store) == 2


def test_reply_is_stored_before_it_is_yielded(store: ReplyStore) -> None:
    async def run() -> None:
        with closing(sqlite3.connect(store.path)) as other:
            async for asked in replies(Toy(), prompts(*map(str, range(50))), store):
                row = other.execute("SELECT 1 FROM replies WHERE key = ?", (asked.key,)).fetchone()
                assert row == (1,)

    asyncio.run(run())


class Slow(ReplyStore):
    """A store with a slow disk."""

    def put_many(self, items: Any) -> list[Reply]:
        time.sleep(0.05)
        return super().put_many(items)


@pytest.mark.parametrize("paid", [True, False])
def test_paid_reply_holds_its_slot_until_it_is_stored(tmp_path: Path, paid: bool) -> None:
    most = 0

    class CountsUnstored(Toy):
        async def ask(self, prompt: Prompt) -> Reply:
            nonlocal most
            most = max(most, len(self.asked) + 1 - len(store))
            return await super().ask(prompt)

    CountsUnstored.paid = paid
    with Slow(tmp_path / "replies.sqlite") as store:
        ask(CountsUnstored(), prompts(*map(str, range(20))), store, concurrency=4)
    assert most == 4 if paid else most > 4


def test_prompts_are_read_lazily(store: ReplyStore) -> None:
    taken = 0

    def endless() -> Iterator[Prompt]:
        nonlocal taken
        while True:
            taken += 1
            yield prompts(str(taken))[0]

    async def run() -> None:
        stream = replies(Toy(delay=lambda q: 0.001), endless(), store)
        async for asked in stream:
            if asked.prompt.example.question == "30":
                break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())
    assert taken <= 2000


def test_replies_of_a_free_teacher_share_commits(tmp_path: Path) -> None:
    """One fsync per reply would dominate the run time."""
    commits = 0

    class CountsCommits(ReplyStore):
        def put_many(self, items: Any) -> list[Reply]:
            nonlocal commits
            commits += 1
            return super().put_many(items)

    with CountsCommits(tmp_path / "replies.sqlite") as store:
        assert len(ask(Toy(), prompts(*(f"question {n} " * 20 for n in range(7000))), store)) == 7000
    assert commits < 700


# --- failures ---------------------------------------------------------------------------


def test_failed_item_does_not_stop_others(store: ReplyStore) -> None:
    teacher = Toy(fails={"b": ServiceError("no route", hint="try later"), "d": DataError("too long", where="b")})
    counts = Counts()
    asked = ask(teacher, prompts(*"abcd"), store, counts=counts)
    assert texts(asked) == ["A", "unavailable", "C", "data"]
    assert asked[1].reply == Problem(layer="teacher", code="unavailable", message="no route", hint="try later")
    assert counts == Counts(bought=2, failed=2)
    assert store.get(asked[1].key) is None
    assert store.attempts(asked[1].key) == ["no route\ntry later"]
    assert texts(ask(Toy(), prompts(*"abcd"), store)) == list("ABCD")  # asked again in the next run


def test_refused_key_stops_the_run_and_keeps_replies(store: ReplyStore) -> None:
    teacher = Toy(
        delay=lambda q: {"a": 60.0, "b": 0.0, "c": 0.02}.get(q, 60.0), fails={"c": AuthError("key rejected by host")}
    )
    started = time.monotonic()
    with pytest.raises(AuthError, match="key rejected"):
        ask(teacher, prompts(*"abcdefgh"), store, concurrency=4)
    assert time.monotonic() - started < 30  # not after the slow ones
    assert "h" not in teacher.asked
    assert len(store) == 1


def test_refused_key_stops_a_run_that_still_reads_prompts(store: ReplyStore) -> None:
    def slowly() -> Iterator[Prompt]:
        for prompt in prompts(*"abcdefgh"):
            yield prompt
            time.sleep(0.03)

    teacher = Toy(delay=lambda q: 0.01 if q == "b" else 60.0, fails={"b": AuthError("key rejected by host")})
    with pytest.raises(AuthError, match="key rejected"):
        ask(teacher, slowly(), store, concurrency=8)
    assert set(teacher.asked) <= set("abcd")  # b fails while c and d are read


def test_unexpected_teacher_error_propagates(store: ReplyStore) -> None:
    class Buggy(Toy):
        async def ask(self, prompt: Prompt) -> Reply:
            raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        ask(Buggy(), prompts(*"abc"), store)


def test_stops_after_repeated_service_failures(store: ReplyStore) -> None:
    questions = [str(n) for n in range(500)]
    teacher = Toy(fails=dict.fromkeys(questions, ServiceError("cannot reach host", hint="is it running?")))
    with pytest.raises(ServiceError, match="cannot reach host") as caught:
        ask(teacher, prompts(*questions), store, concurrency=4)
    assert "20 requests in a row failed" in caught.value.hint
    assert len(teacher.asked) < 30


def test_service_error_is_raised_when_every_request_failed(store: ReplyStore) -> None:
    teacher = Toy(fails=dict.fromkeys("ab", ServiceError("cannot reach host")))
    with pytest.raises(ServiceError, match="cannot reach host"):
        ask(teacher, prompts(*"ab"), store)


def test_cancellation_keeps_received_replies(store: ReplyStore) -> None:
    teacher = Toy(delay=lambda q: 60.0 if q == "a" else 0.0)  # the first in order never comes

    async def run() -> None:
        async def take() -> None:
            async for _ in replies(teacher, prompts(*"abcd"), store, concurrency=4):
                pytest.fail("nothing can be yielded before the first")

        task = asyncio.create_task(take())
        async with asyncio.timeout(60):
            while not (len(teacher.asked) == 4 and teacher.in_flight == 1):
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert len(store) == 3


def test_cancellation_waits_for_the_running_commit(tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    class BlockingStore(ReplyStore):
        def put_many(self, items: Any) -> list[Reply]:
            begun.set()
            assert may_end.wait(60)
            return super().put_many(items)

    with BlockingStore(tmp_path / "replies.sqlite") as store:

        async def run() -> None:
            task = asyncio.create_task(take())
            assert await asyncio.to_thread(begun.wait, 60)
            task.cancel()
            assert not (await asyncio.wait([task], timeout=0.05))[0]  # it does not leave before the commit has ended
            may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(store) == 1

        async def take() -> None:
            async for _ in replies(Toy(), prompts("a"), store):
                pytest.fail("it was cancelled before the commit ended")

        asyncio.run(run())


def test_write_error_of_the_store_stops_the_run(tmp_path: Path) -> None:
    class FullStore(ReplyStore):
        def put_many(self, items: Any) -> list[Reply]:
            raise DiskError("disk full")

    with FullStore(tmp_path / "replies.sqlite") as store, pytest.raises(DiskError, match="disk full"):
        ask(Toy(), prompts(*"abc"), store)


def test_isolated_prompts_fail_alone_and_are_asked_again(store: ReplyStore) -> None:
    """An error that ends a call of `replies` ends one prompt here, and an equal one that waits for it."""
    teacher = Toy(delay=lambda q: 0.02, fails={"a": AuthError("no key"), "c": ServiceError("away")})

    async def run() -> None:
        async with Scheduler(teacher, store, 8, 0, Budget(Caps()), isolated=True) as scheduler:
            tasks = [scheduler.start(prompt) for prompt in prompts("a", "b", "a", "c")]
            first, good, second, away = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(first, AuthError)
            assert second is first
            assert isinstance(good, TeacherReply)
            assert isinstance(away, TeacherReply)
            assert texts([good, away]) == ["B", "unavailable"]
            teacher.fails = {}
            again = [await scheduler.start(prompt) for prompt in prompts("a", "c", "b")]
            assert texts(again) == ["A", "C", "B"]
            assert [one.cached for one in again] == [False, False, True]

    asyncio.run(run())
    assert teacher.asked == ["a", "b", "c", "a", "c"]
