"""Asks a teacher about many prompts in parallel. Replies in the reply store are reused, and none is bought twice.

    async with teacher:
        async for answer in replies(teacher, prompts, store, concurrency=64):
            answer.prompt.example.id, answer.reply     # a Reply, or the Problem that says why there is none

In: prompts, which are read lazily. Out: one `TeacherReply` for each prompt, in the same order. A reply is on disk
before it is yielded. Replies that arrive during a commit share the next one: no reply waits for others, and a fast
teacher does not wait for one fsync per reply. A paid reply counts as in flight until it is on disk, so a kill -9 loses
at most `concurrency` of them. If two processes want the same paid reply, one buys it and the other reads it from the
store.

ServiceError (after the teacher's own retries) and DataError end one item. Any other error, such as AuthError, ends the
whole call, and so does a service that asks for a long pause, only fails, or refuses requests again and again in the
same words. In each case, and on cancellation, the replies that have arrived are stored.

`Scheduler` is for prompts that come one by one, as to a server: an error then ends its own prompt only.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from dstill.api.records import Problem, Prompt, Reply, Usage
from dstill.api.teacher import Teacher
from dstill.errors import BadRequest, ConfigError, DataError, DstillError, ServiceError, ServicePause
from dstill.teacher.budget import Budget, Caps, with_estimate, worst_case
from dstill.teacher.cache import ReplyStore
from dstill.teacher.inflight import KeyLocks

__all__ = ["ID", "Counts", "Scheduler", "TeacherReply", "problem_of", "replies", "worst_of"]

LOOKAHEAD = 1024  # prompts to read ahead of the first unanswered one, at least
MOST_FAILURES = 20  # failures of the service in a row
EQUAL_REFUSALS = 5  # bad requests in a row with the same message
ID = re.compile(r"(?=[\w-]*\d)[\w-]{12,}")  # in messages, as "(request id: 20251208170149577926364TFN6TXhL)"


@dataclass(frozen=True, kw_only=True)
class TeacherReply:
    """A prompt with its reply, or with the problem that says why there is none."""

    prompt: Prompt
    reply: Reply | Problem
    key: str  # of the reply in the store
    cached: bool = False  # it cost nothing: from the store, or shared with an equal prompt


@dataclass(kw_only=True)
class Counts:
    """How many prompts `replies` has answered so far."""

    bought: int = 0  # by a request to the teacher
    cached: int = 0  # without one
    failed: int = 0

    def add(self, answer: TeacherReply) -> None:
        """Count one more."""
        if isinstance(answer.reply, Problem):
            self.failed += 1
        elif answer.cached:
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
    """The reply to each prompt, in order.

    `concurrency`: requests at the same time. `sample` distinguishes several replies to the same prompt. `counts` is
    updated for each reply. Raises BudgetError if the next request could exceed a cap, after the replies in flight are
    stored.
    """
    counts = Counts() if counts is None else counts
    budget = Budget(Caps()) if budget is None else budget
    waiting: deque[asyncio.Task[TeacherReply]] = deque()
    ahead = max(LOOKAHEAD, 4 * concurrency)
    async with Scheduler(teacher, store, concurrency, sample, budget) as scheduler:
        for prompt in prompts:
            waiting.append(scheduler.start(prompt))
            await asyncio.sleep(0)  # let it start now, not after all prompts are read
            while waiting and (len(waiting) >= ahead or waiting[0].done()):
                yield await scheduler.result(waiting.popleft(), counts)
        while waiting:
            yield await scheduler.result(waiting.popleft(), counts)
        if counts.failed and not counts.bought and not counts.cached and scheduler.last_failure:
            raise scheduler.last_failure  # no answer at all: the service is at fault, not the questions


class Scheduler:
    """Tasks that answer prompts. At the end of the block, all have ended and all replies are stored.

    An error that is no failure of one prompt ends all tasks, unless they are `isolated`: it then ends its task only,
    and an equal prompt that comes later is asked again.
    """

    def __init__(
        self,
        teacher: Teacher,
        store: ReplyStore,
        concurrency: int,
        sample: int,
        budget: Budget,
        *,
        isolated: bool = False,
    ) -> None:
        self.teacher, self.store, self.sample, self.budget = teacher, store, sample, budget
        self._isolated = isolated
        self.last_failure: DstillError | None = None
        self._slots = asyncio.Semaphore(concurrency)
        self._committer = _Committer(store)
        self._locks = KeyLocks(store) if teacher.paid else None
        self._tasks: set[asyncio.Task[TeacherReply]] = set()
        self._by_key: dict[str, asyncio.Future[Reply | Problem]] = {}
        self._fatal: BaseException | None = None
        self._failures_in_a_row = 0
        self._refusal, self._refusals_in_a_row = "", 0  # the message of the last bad request, without ids

    def start(self, prompt: Prompt) -> asyncio.Task[TeacherReply]:
        """Start a task that answers `prompt`. Raises the error that ended the whole call, if there is one already."""
        if self._fatal is not None:
            raise self._fatal
        task = asyncio.create_task(self._answer(prompt))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[TeacherReply]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # mark it as seen: the first error ends all tasks, the others need no message

    async def result(self, task: asyncio.Task[TeacherReply], counts: Counts) -> TeacherReply:
        """The result of a task of `start`. Raises the error that ended the whole call."""
        await asyncio.sleep(0)  # cached replies never wait, so give the requests in flight a turn
        try:
            answer = await task
        except asyncio.CancelledError:
            if self._fatal is not None:
                raise self._fatal from None
            raise
        counts.add(answer)
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._committer.close()
        if self._locks is not None:
            self._locks.close()

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
        """Ask, and let equal prompts wait for the same answer."""
        future = self._by_key[key] = asyncio.get_running_loop().create_future()
        try:
            answer, cached = await self._ask(key, identity, prompt)
        except BaseException as error:
            if self._isolated and not isinstance(error, asyncio.CancelledError):
                del self._by_key[key]
                future.set_exception(error)
                future.exception()  # mark it as seen: nobody may be waiting
                raise
            future.cancel()
            if not isinstance(error, asyncio.CancelledError) and self._fatal is None:
                self._fatal = error
                self._cancel()
            raise
        future.set_result(answer)
        if self._isolated or isinstance(answer, Reply):
            del self._by_key[key]  # the store has the reply now
        return answer, cached

    async def _ask(self, key: str, identity: Mapping[str, Any], prompt: Prompt) -> tuple[Reply | Problem, bool]:
        lock = self._locks.hold(key) if self._locks is not None else contextlib.nullcontext()
        async with self._slots, lock as bought_elsewhere:
            if bought_elsewhere is not None:
                return bought_elsewhere, True
            try:
                worst = worst_of(self.teacher, prompt)
                async with self.budget.reserve(worst) as request:
                    reply = await self.teacher.ask(prompt)
                    reply = request.reply = with_estimate(reply, worst) if self.teacher.paid else reply
            except ServicePause:
                raise
            except (ServiceError, DataError) as error:
                # Inside the slot, so that this failure counts before the next request starts.
                return await self._failed(key, error), False
            self._failures_in_a_row = self._refusals_in_a_row = 0
            if self.teacher.paid:  # inside the slot, so that a kill loses at most `concurrency` paid replies
                return await self._committer.commit(key, reply, identity), False
        return await self._committer.commit(key, reply, identity), False

    async def _failed(self, key: str, error: DstillError) -> Problem:
        if error.code == ServiceError.code:
            self._count_failure(error)
        if isinstance(error, BadRequest):
            self._count_refusal(error)
        await asyncio.to_thread(self.store.attempt, key, error)
        return problem_of(error)

    def _count_failure(self, error: DstillError) -> None:
        self.last_failure = error
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= MOST_FAILURES:
            stopped = f"{self._failures_in_a_row} requests in a row failed, so dstill stopped; run again to resume"
            raise ServiceError(
                error.what, where=error.where, hint=f"{error.hint}; {stopped}" if error.hint else stopped
            )

    def _count_refusal(self, error: BadRequest) -> None:
        words = ID.sub("", error.what)
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if words == self._refusal else 1
        self._refusal = words
        if self._refusals_in_a_row >= EQUAL_REFUSALS:
            stopped = f"{EQUAL_REFUSALS} requests in a row were refused in the same words, so dstill stopped"
            raise ConfigError(error.what, where=error.where, hint=f"{error.hint}; {stopped}" if error.hint else stopped)


def problem_of(error: DstillError) -> Problem:
    """The problem of a prompt that has no reply because of `error`."""
    code = "unavailable" if error.code == ServiceError.code else error.code
    return Problem(layer="teacher", code=code, message=error.what, pointer=error.where, hint=error.hint)


def worst_of(teacher: Teacher, prompt: Prompt) -> Usage:
    """The most tokens that asking `prompt` can use."""
    return worst_case(teacher.as_sent(prompt), teacher.reply_tokens * prompt.max_tokens_factor)


class _Committer:
    """Commits replies in a thread. Those that arrive during one commit are committed together in the next one."""

    def __init__(self, store: ReplyStore) -> None:
        self._store = store
        self._pending: list[tuple[tuple[str, Reply, Mapping[str, Any]], asyncio.Future[Reply]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def commit(self, key: str, reply: Reply, identity: Mapping[str, Any]) -> Reply:
        """Store the reply and return when it is on disk. Returns the stored reply, which is the first for its key."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending.append(((key, reply, identity), future))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_pending())
        return await future

    async def _commit_pending(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            try:
                stored = await asyncio.to_thread(self._store.put_many, [item for item, _ in batch])
            except Exception as error:  # whatever it is, those who wait must get it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), reply in zip(batch, stored, strict=True):
                if not future.done():
                    future.set_result(reply)

    async def close(self) -> None:
        """Wait until all replies are on disk, even if nobody waits for them any more."""
        if self._committing is not None:
            await asyncio.shield(self._committing)
