"""Ask a teacher about many prompts: from the store what is there, the rest in parallel, each bought once.

    async with teacher:
        async for asked in replies(teacher, prompts, store, concurrency=64):
            asked.prompt.example.id, asked.reply     # a Reply, or the Problem that it came to

In: prompts, lazily. Out: one `Asked` a prompt, in the prompts' order. A reply is on disk before it
is yielded. Replies that arrive while the disk is busy share the next commit: none waits for others to
fill a batch, and a teacher that answers at once is not held up by one fsync a reply. A paid reply
counts as in flight until it is on disk, so a kill -9 loses no more than `concurrency` of them. Of two
processes that want the same paid reply one buys it, and the other takes it from the store.

What ends an item: ServiceError (the teacher has retried by itself) and DataError. What ends all:
any other error, as AuthError; a service that asks for a long pause, or gives nothing but failures. Also then, and on
cancellation, what has arrived is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, AsyncIterator, Iterable, Mapping, Self

from dstill.api.records import Problem, Prompt, Reply, Usage
from dstill.api.teacher import Teacher
from dstill.errors import DataError, DstillError, ServiceError, ServicePause
from dstill.teacher.budget import Budget, Caps, with_estimate, worst_case
from dstill.teacher.cache import ReplyStore
from dstill.teacher.inflight import Claims

__all__ = ["Counts", "TeacherReply", "problem_of", "replies", "worst_of"]

AHEAD = 1024  # prompts taken before the first of them is answered, at least
GIVE_UP = 20  # failures of the service in a row, none answered between


@dataclass(frozen=True, kw_only=True)
class TeacherReply:
    """A prompt, and what it came to."""

    prompt: Prompt
    reply: Reply | Problem
    key: str  # in the store
    cached: bool = False  # it cost nothing: out of the store, or asked for another prompt of the same words


@dataclass(kw_only=True)
class Counts:
    """What `replies` has done so far; it counts while it goes."""

    bought: int = 0
    cached: int = 0
    failed: int = 0

    def add(self, asked: TeacherReply) -> None:
        if isinstance(asked.reply, Problem):
            self.failed += 1
        elif asked.cached:
            self.cached += 1
        else:
            self.bought += 1


async def replies(
    teacher: Teacher,
    prompts: Iterable[Prompt],
    store: ReplyStore,
    *,
    concurrency: int = 8,
    sample: int = 0,
    counts: Counts | None = None,
    budget: Budget | None = None,
) -> AsyncIterator[TeacherReply]:
    """Every prompt's reply, in order. `sample` tells several replies to the same words apart.

    Raises BudgetError, after whatever is in flight was kept, when the next request could pass a cap.
    """
    counts = Counts() if counts is None else counts
    budget = Budget(Caps()) if budget is None else budget
    waiting: deque[asyncio.Task[TeacherReply]] = deque()
    ahead = max(AHEAD, 4 * concurrency)
    async with _Scheduler(teacher, store, concurrency, sample, budget) as desk:
        for prompt in prompts:
            waiting.append(desk.take(prompt))
            await asyncio.sleep(0)  # it starts now, not when all prompts are made
            while waiting and (len(waiting) >= ahead or waiting[0].done()):
                yield await desk.result(waiting.popleft(), counts)
        while waiting:
            yield await desk.result(waiting.popleft(), counts)
        if counts.failed and not counts.bought and not counts.cached and desk.last_failure:
            raise desk.last_failure  # not one answer: it is the service, not the questions


class _Scheduler:
    """The tasks of one `replies`: all of them end, and what arrived is kept, when the block ends."""

    def __init__(self, teacher: Teacher, store: ReplyStore, concurrency: int, sample: int, budget: Budget) -> None:
        self.teacher, self.store, self.sample, self.budget = teacher, store, sample, budget
        self.last_failure: DstillError | None = None
        self._slots = asyncio.Semaphore(concurrency)
        self._ledger = _Ledger(store)
        self._claims = Claims(store) if teacher.paid else None
        self._tasks: set[asyncio.Task[TeacherReply]] = set()
        self._by_key: dict[str, asyncio.Future[Reply | Problem]] = {}
        self._fatal: BaseException | None = None
        self._in_a_row = 0

    def take(self, prompt: Prompt) -> asyncio.Task[TeacherReply]:
        task = asyncio.create_task(self._answer(prompt))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[TeacherReply]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: one error ends all, the others' need no word of their own

    async def result(self, task: asyncio.Task[TeacherReply], counts: Counts) -> TeacherReply:
        await asyncio.sleep(0)  # cached replies come without waiting; let those in flight have their turn
        try:
            asked = await task
        except asyncio.CancelledError:
            if self._fatal is not None:
                raise self._fatal from None
            raise
        counts.add(asked)
        return asked

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ledger.close()
        if self._claims is not None:
            self._claims.close()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    # --- one prompt ---------------------------------------------------------------------

    async def _answer(self, prompt: Prompt) -> TeacherReply:
        identity = self.teacher.identity(prompt)
        key = self.store.key(identity, prompt.messages, self.sample)
        stored, cached = self.store.get(key), True
        answer: Reply | Problem
        if stored is not None:
            answer = stored
        elif (same := self._by_key.get(key)) is not None:
            answer = await asyncio.shield(same)
        else:
            answer, cached = await self._once(key, identity, prompt)
        if isinstance(answer, Reply):
            answer = replace(answer, id=prompt.example.id)
        return TeacherReply(prompt=prompt, reply=answer, key=key, cached=cached)

    async def _once(self, key: str, identity: Mapping[str, Any], prompt: Prompt) -> tuple[Reply | Problem, bool]:
        """Ask, and let every other prompt of the same words wait for the same answer."""
        future = self._by_key[key] = asyncio.get_running_loop().create_future()
        try:
            answer, cached = await self._ask(key, identity, prompt)
        except BaseException as error:
            future.cancel()
            if not isinstance(error, asyncio.CancelledError) and self._fatal is None:
                self._fatal = error
                self._cancel()
            raise
        future.set_result(answer)
        if isinstance(answer, Reply):
            del self._by_key[key]  # the store has it now
        return answer, cached

    async def _ask(self, key: str, identity: Mapping[str, Any], prompt: Prompt) -> tuple[Reply | Problem, bool]:
        claim = self._claims.of(key) if self._claims is not None else contextlib.nullcontext()
        async with self._slots, claim as there:
            if there is not None:
                return there, True
            try:
                worst = worst_of(self.teacher, prompt)
                async with self.budget.reserve(worst) as request:
                    reply = await self.teacher.ask(prompt)
                    reply = request.reply = with_estimate(reply, worst) if self.teacher.paid else reply
            except ServicePause:
                raise
            except (ServiceError, DataError) as error:
                # Inside the slot, so that nobody takes it before this failure counts.
                return await self._failed(key, error), False
            self._in_a_row = 0
            if self.teacher.paid:  # so a kill loses no more than `concurrency` paid replies
                return await self._ledger.keep(key, reply, identity), False
        return await self._ledger.keep(key, reply, identity), False

    async def _failed(self, key: str, error: DstillError) -> Problem:
        if error.code == ServiceError.code:
            self._count_failure(error)
        await asyncio.to_thread(self.store.attempt, key, error)
        return problem_of(error)

    def _count_failure(self, error: DstillError) -> None:
        self.last_failure = error
        self._in_a_row += 1
        if self._in_a_row >= GIVE_UP:
            stopped = f"{self._in_a_row} requests in a row failed, so dstill stopped; run again to resume"
            raise ServiceError(
                error.what, where=error.where, hint=f"{error.hint}; {stopped}" if error.hint else stopped
            )


def problem_of(error: DstillError) -> Problem:
    """Why a prompt has no reply."""
    code = "unavailable" if error.code == ServiceError.code else error.code
    return Problem(layer="teacher", code=code, message=error.what, pointer=error.where, hint=error.hint)


def worst_of(teacher: Teacher, prompt: Prompt) -> Usage:
    """What asking `prompt` uses at most."""
    return worst_case(teacher.as_sent(prompt), teacher.reply_tokens * prompt.max_tokens_factor)


class _Ledger:
    """Commits replies in a thread. All that arrive during one commit make up the next."""

    def __init__(self, store: ReplyStore) -> None:
        self._store = store
        self._pending: list[tuple[tuple[str, Reply, Mapping[str, Any]], asyncio.Future[Reply]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def keep(self, key: str, reply: Reply, identity: Mapping[str, Any]) -> Reply:
        """Returns when the reply is on disk."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending.append(((key, reply, identity), future))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        return await future

    async def _commit(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            try:
                kept = await asyncio.to_thread(self._store.put_many, [item for item, _ in batch])
            except Exception as error:  # whatever it is, those who wait must learn of it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), reply in zip(batch, kept, strict=True):
                if not future.done():
                    future.set_result(reply)

    async def close(self) -> None:
        """Wait until all that arrived is on disk, also where nobody waits for it any more."""
        if self._committing is not None:
            await asyncio.shield(self._committing)
