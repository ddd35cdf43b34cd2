"""Batches are bought once even after a kill, and replies come in the order of the prompts."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from dstill.api.records import Example, Message, Problem, Prompt, Reply
from dstill.api.teacher import BatchState, BatchTeacher
from dstill.errors import AuthError, BudgetError, DataError, DstillError, RunError, ServiceError
from dstill.teacher import batch_log
from dstill.teacher.batch import replies
from dstill.teacher.budget import Budget, Caps
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, TeacherReply


class Killed(BaseException):
    """Simulates a kill: nothing after it is executed."""


class Endpoint:
    """The server side, which survives a kill of the process: batches by id."""

    def __init__(self) -> None:
        self.batches: dict[str, tuple[str, list[str]]] = {}  # id → digest, keys
        self.looks = 0
        self.ends = True


class Toy(BatchTeacher):
    name = "toy"
    paid = True
    batch_requests = 3
    batch_poll = 0.001
    reply_tokens = 10

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.dies = ""  # before or after which it is killed: submit, submitted, collect
        self.answers: Any = lambda keys: [(key, Reply(id="", text=key[:8])) for key in keys]
        self.problem: DstillError | None = None

    async def ask(self, prompt: Prompt) -> Reply:
        raise AssertionError("nothing is asked one by one")

    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        return key.encode()

    async def submit_batch(self, digest: str, lines: Sequence[bytes]) -> str:
        if self.dies == "submit":
            raise Killed
        id = f"b{len(self.endpoint.batches)}"
        self.endpoint.batches[id] = digest, [line.decode() for line in lines]
        if self.dies == "submitted":
            raise Killed
        return id

    async def find_batch(self, digest: str) -> str:
        return next((id for id, (of, _) in self.endpoint.batches.items() if of == digest), "")

    async def batch_state(self, id: str) -> BatchState:
        self.endpoint.looks += 1
        if self.dies == "collect":
            raise Killed
        return BatchState(ended=self.endpoint.ends, answered=1, total=3, problem=self.problem)

    async def batch_answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        for key, answer in self.answers(self.endpoint.batches[id][1]):
            if self.dies == "between":
                raise Killed
            yield key, answer


def prompts(*questions: str) -> list[Prompt]:
    return [
        Prompt(example=Example(id=f"id-{n}", question=q), messages=(Message(role="user", content=q),))
        for n, q in enumerate(questions)
    ]


def ask(teacher: Toy, asked: Any, store: ReplyStore, **how: Any) -> list[TeacherReply]:
    async def run() -> list[TeacherReply]:
        return [one async for one in replies(teacher, asked, store, **how)]

    return asyncio.run(run())


def ids(asked: list[TeacherReply]) -> list[str]:
    return [one.reply.id if isinstance(one.reply, Reply) else one.reply.code for one in asked]


@pytest.fixture
def teacher() -> Toy:
    return Toy(Endpoint())


def bought(teacher: Toy) -> list[str]:
    return [key for _, keys in teacher.endpoint.batches.values() for key in keys]


def test_replies_of_several_batches_keep_the_order_of_prompts(store: ReplyStore, teacher: Toy) -> None:
    teacher.answers = lambda keys: [(key, Reply(id="", text=key[:8])) for key in reversed(keys)]
    counts = Counts()
    asked = ask(teacher, prompts(*"abcdefg"), store, counts=counts)
    assert ids(asked) == [f"id-{n}" for n in range(7)]
    assert [one.reply.text for one in asked if isinstance(one.reply, Reply)] == [one.key[:8] for one in asked]
    assert [len(keys) for _, keys in teacher.endpoint.batches.values()] == [3, 3, 1]
    assert counts == Counts(bought=7)
    assert not batch_log.open_batches(store)


def test_batch_size_in_bytes_is_limited(store: ReplyStore, teacher: Toy) -> None:
    teacher.batch_bytes = 140  # type: ignore[misc]  # two lines of 64 letters, and their breaks
    ask(teacher, prompts(*"abcde"), store)
    assert [len(keys) for _, keys in teacher.endpoint.batches.values()] == [2, 2, 1]


def test_submits_neither_cached_nor_duplicate_prompts(store: ReplyStore, teacher: Toy) -> None:
    ask(teacher, prompts("a"), store)
    counts = Counts()
    asked = ask(teacher, prompts(*"abab"), store, counts=counts)
    assert [one.cached for one in asked] == [True, False, True, True]
    assert counts == Counts(bought=1, cached=3)
    assert len(bought(teacher)) == 2
    ask(teacher, prompts("a"), store, sample=1)
    assert len(bought(teacher)) == 3


def test_full_cache_sends_no_request(store: ReplyStore, teacher: Toy) -> None:
    ask(teacher, prompts("a"), store)
    before = teacher.endpoint.looks
    assert ids(ask(teacher, prompts("a"), store)) == ["id-0"]
    assert teacher.endpoint.looks == before


def test_progress_is_reported_at_each_poll(store: ReplyStore, teacher: Toy) -> None:
    looks: list[tuple[int, int]] = []

    def record_progress(answered: int, total: int) -> None:
        looks.append((answered, total))
        teacher.endpoint.ends = len(looks) > 1

    teacher.endpoint.ends = False
    ask(teacher, prompts(*"abcd"), store, on_progress=record_progress)
    assert looks == [(2, 4), (2, 4), (4, 4)]


# --- kills ------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["submit", "submitted", "collect", "between"])
def test_rerun_after_a_kill_collects_and_buys_each_reply_once(store: ReplyStore, teacher: Toy, moment: str) -> None:
    teacher.dies = moment
    with pytest.raises(Killed):
        ask(teacher, prompts(*"abc"), store)
    assert len(batch_log.open_batches(store)) == 1  # on disk before it was submitted
    teacher.dies = ""
    counts = Counts()
    assert ids(ask(teacher, prompts(*"abc"), store, counts=counts)) == ["id-0", "id-1", "id-2"]
    assert len(teacher.endpoint.batches) == 1
    assert counts == Counts(bought=3)
    assert not batch_log.open_batches(store)


def test_rerun_after_a_kill_submits_new_prompts_only(store: ReplyStore, teacher: Toy) -> None:
    teacher.dies = "submitted"
    with pytest.raises(Killed):
        ask(teacher, prompts(*"abc"), store)
    teacher.dies = ""
    assert len(ask(teacher, prompts(*"bcde"), store)) == 4
    assert len(bought(teacher)) == len(set(bought(teacher))) == 5
    assert len(store) == 5  # also the one that is not needed any more


def test_batch_of_other_prompts_is_not_collected(store: ReplyStore, teacher: Toy) -> None:
    teacher.dies = "collect"
    with pytest.raises(Killed):
        ask(teacher, prompts("a"), store)
    teacher.dies = ""
    ask(teacher, prompts("b"), store)
    assert [list(batch.items.values()) for batch in batch_log.open_batches(store)] == [["id-0"]]
    assert len(store) == 1


def test_interrupt_tells_how_to_collect_the_batch(
    store: ReplyStore, teacher: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave() -> None:
        task = asyncio.create_task(anext(aiter(replies(teacher, prompts(*"abcd"), store))))  # type: ignore[arg-type]
        while not teacher.endpoint.looks:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    teacher.endpoint.ends = False
    with caplog.at_level(logging.WARNING, logger="dstill"):
        asyncio.run(leave())
    assert "batch b0, b1 continues at the provider; run the same command again to collect it" in caplog.messages
    teacher.endpoint.ends = True
    assert len(ask(teacher, prompts(*"abcd"), store)) == 4
    assert len(teacher.endpoint.batches) == 2


def test_two_processes_do_not_submit_concurrently(store: ReplyStore, teacher: Toy) -> None:
    with store.path.with_name(f".{store.path.name}.batches.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another process is submitting"):
            ask(teacher, prompts("a"), store)
    assert not teacher.endpoint.batches
    ask(teacher, prompts("a"), store)


# --- replies ----------------------------------------------------------------------------


def test_duplicate_unknown_and_missing_answers_are_handled(
    store: ReplyStore, teacher: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    def odd(keys: list[str]) -> list[tuple[str, Reply | DstillError]]:
        first, second, _ = keys
        return [
            ("f" * 64, Reply(id="", text="to nobody's question")),
            (second, DataError("refused")),
            (first, Reply(id="", text="one")),
            (first, Reply(id="", text="two")),
            (first, ServiceError("and it failed too")),
            (second, Reply(id="", text="late")),
        ]

    teacher.answers = odd
    counts = Counts()
    asked = ask(teacher, prompts(*"abc"), store, counts=counts)
    assert [one.reply.text for one in asked[:2] if isinstance(one.reply, Reply)] == ["one", "late"]
    assert asked[2].reply == Problem(
        layer="teacher", code="unavailable", message="batch b0 ended without an answer to this request"
    )
    assert counts == Counts(bought=2, failed=1)
    assert store.attempts(asked[0].key) == store.attempts(asked[1].key) == []
    assert store.attempts(asked[2].key) == ["batch b0 ended without an answer to this request"]
    assert len(store) == 2
    assert "batch b0: ignored 1 answers to unknown requests" in caplog.messages


def test_next_run_requests_failed_items(store: ReplyStore, teacher: Toy) -> None:
    teacher.problem = ServiceError("batch b0 expired", hint="run again")
    teacher.answers = lambda keys: [(keys[0], Reply(id="", text="in time"))]
    assert ids(ask(teacher, prompts(*"abc"), store)) == ["id-0", "unavailable", "unavailable"]
    teacher.problem, teacher.answers = None, Toy(teacher.endpoint).answers
    assert ids(ask(teacher, prompts(*"abc"), store)) == ["id-0", "id-1", "id-2"]
    digests = {digest for digest, _ in teacher.endpoint.batches.values()}
    assert [len(keys) for _, keys in teacher.endpoint.batches.values()] == [3, 2]
    assert len(digests) == 2


def test_batch_without_answers_is_a_service_error(store: ReplyStore, teacher: Toy) -> None:
    teacher.problem, teacher.answers = AuthError("the quota is used up"), lambda keys: []
    with pytest.raises(AuthError, match="quota"):
        ask(teacher, prompts(*"abc"), store)
    assert not batch_log.open_batches(store)


def test_digest_depends_on_the_batch(store: ReplyStore, teacher: Toy) -> None:
    made = [batch_log.add(store, {}, {"k": "1"}).digest for _ in range(3)]
    assert len(set(made)) == 3


# --- caps -------------------------------------------------------------------------------


def test_budget_limits_the_batch_and_stops_after_collection(store: ReplyStore, teacher: Toy) -> None:
    seen: list[str] = []

    async def run() -> None:
        async for one in replies(teacher, prompts(*"abcde"), store, budget=Budget(Caps(max_requests=2))):
            seen.append(one.prompt.example.id)

    with pytest.raises(BudgetError, match="budget of 2 requests reached"):
        asyncio.run(run())
    assert seen == ["id-0", "id-1"]
    assert len(bought(teacher)) == len(store) == 2


def test_time_limit_keeps_submitted_batches(store: ReplyStore, teacher: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher.endpoint.ends = False
    late = lambda: 10_000.0 if teacher.endpoint.looks >= 3 else 0.0  # noqa: E731
    monkeypatch.setattr("dstill.teacher.budget.time", SimpleNamespace(monotonic=late))
    with pytest.raises(BudgetError, match="budget of 5000 s reached") as caught:
        ask(teacher, prompts(*"ab"), store, budget=Budget(Caps(max_wall=5000)))
    assert teacher.endpoint.looks == 3
    assert caught.value.hint == "--max-wall"
    assert caught.value.where == "batch b0 continues at the provider; run the same command again to collect it"
    teacher.endpoint.ends = True
    assert ids(ask(teacher, prompts(*"ab"), store)) == ["id-0", "id-1"]
    assert len(teacher.endpoint.batches) == 1
