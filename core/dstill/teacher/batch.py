"""Asks a teacher about many prompts in batches: submits them, waits, and collects the replies.

    async with teacher:                                      # a BatchTeacher
        async for answer in replies(teacher, prompts, store):
            answer.prompt.example.id, answer.reply           # as from `dstill.teacher.client.replies`

In: prompts, all of which are read first. Out: one `TeacherReply` for each prompt, in the same order, after every batch
has ended. dstill records a batch on disk (`dstill.teacher.batch_log`) before it submits it, and the batch carries the
digest of its keys. So if the process is killed at any moment, the next run finds the batch at the endpoint and collects
it instead of buying another one. An open batch with one of the prompts is waited for, whichever run submitted it.

A request without an answer in an ended batch is recorded as an attempt and yields a Problem; the next run asks again.
Caps apply to what is submitted, by its worst case. Not covered: a process that is killed right after submitting, at an
endpoint that lists new batches only after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dstill.api.records import Problem, Prompt, Reply
from dstill.api.teacher import BatchTeacher
from dstill.errors import BudgetError, DstillError, ServiceError
from dstill.io.logs import log
from dstill.io.strict_json import dumps
from dstill.teacher import batch_log
from dstill.teacher.batch_log import OpenBatch
from dstill.teacher.budget import NO_USAGE, Budget, Caps, with_estimate, worst_case
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, TeacherReply, problem_of, worst_of

__all__ = ["replies"]

COMMIT_SIZE = 500  # replies in one transaction


async def replies(
    teacher: BatchTeacher,
    prompts: Iterable[Prompt],
    store: ReplyStore,
    *,
    sample: int = 0,
    counts: Counts | None = None,
    budget: Budget | None = None,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> AsyncIterator[TeacherReply]:
    """The reply to each prompt, in order.

    `sample` distinguishes several replies to the same prompt. `on_progress` is called with the number of answered
    requests and of all requests each time the endpoint was polled. Raises BudgetError if a cap is reached: after all
    submitted batches are stored, or at once if the cap is on time.
    """
    counts = Counts() if counts is None else counts
    keyed = [(store.key(teacher.identity(prompt), prompt.messages, sample), prompt) for prompt in prompts]
    scheduler = _BatchScheduler(teacher, store, Budget(Caps()) if budget is None else budget, on_progress)
    missing = {key: prompt for key, prompt in keyed if store.get(key) is None}
    await scheduler.buy(missing)
    for key, prompt in keyed:
        answer: Reply | Problem | None = store.get(key) or scheduler.problems.get(key)
        if answer is None:
            raise scheduler.capped(prompt)
        if isinstance(answer, Reply):
            answer = replace(answer, id=prompt.example.id)
        row = TeacherReply(prompt=prompt, reply=answer, key=key, cached=missing.pop(key, None) is None)
        counts.add(row)
        yield row
    if counts.failed and not counts.bought and not counts.cached and scheduler.last_failure:
        raise scheduler.last_failure  # no answer at all: the service is at fault, not the questions


class _BatchScheduler:
    """The batches of one call of `replies`."""

    def __init__(
        self, teacher: BatchTeacher, store: ReplyStore, budget: Budget, on_progress: Callable[[int, int], None]
    ) -> None:
        self.teacher, self.store, self.budget, self.on_progress = teacher, store, budget, on_progress
        self.problems: dict[str, Problem] = {}
        self.last_failure: DstillError | None = None
        self._cap: tuple[str, str] = ("", "")  # the cap that was reached, for `Budget.reached`

    async def buy(self, wanted: Mapping[str, Prompt]) -> None:
        """Get each of `wanted` into the store or into `problems`, except those beyond a cap."""
        if not wanted:
            return
        with batch_log.lock(self.store):
            waiting = await self._open_batches(wanted)
            submitted = {key for batch in waiting for key in batch.items}
            new = {key: prompt for key, prompt in wanted.items() if key not in submitted}
            for identity, part in self._parts(self._within_caps(new)):
                waiting.append(await self._submit(identity, part))
        try:
            await self._collect_all(waiting, wanted)
        except asyncio.CancelledError:
            log.warning("%s", _continues(waiting))
            raise

    def capped(self, prompt: Prompt) -> BudgetError:
        """The error that says why `prompt` was not submitted."""
        return self.budget.reached(self._cap, worst_of(self.teacher, prompt))

    async def _open_batches(self, wanted: Mapping[str, Prompt]) -> list[OpenBatch]:
        """The open batches with at least one of `wanted`, each with its id."""
        batches = []
        for batch in batch_log.open_batches(self.store):
            if wanted.keys().isdisjoint(batch.items):
                continue
            id = batch.id or await self.teacher.find_batch(batch.digest)
            if not id:  # it was never submitted
                batch_log.discard(self.store, batch.digest)
                continue
            if not batch.id:
                batch_log.set_id(self.store, batch.digest, id)
            log.info("waiting for batch %s, which was submitted before", id)
            batches.append(replace(batch, id=id))
        return batches

    def _within_caps(self, new: Mapping[str, Prompt]) -> dict[str, Prompt]:
        """The first of `new` that together cannot exceed a cap."""
        fitting: dict[str, Prompt] = {}
        worst = NO_USAGE
        for key, prompt in new.items():
            worst += worst_of(self.teacher, prompt)
            if passed := self.budget.passed(worst, len(fitting) + 1):
                self._cap = passed
                break
            fitting[key] = prompt
        return fitting

    def _parts(self, new: Mapping[str, Prompt]) -> Iterator[tuple[Mapping[str, Any], dict[str, Prompt]]]:
        """`new` split into batches, each for one identity and within the endpoint's limits."""
        groups: dict[str, tuple[Mapping[str, Any], dict[str, Prompt]]] = {}
        for key, prompt in new.items():
            identity = self.teacher.identity(prompt)
            groups.setdefault(dumps(identity), (identity, {}))[1][key] = prompt
        for identity, group in groups.values():
            part: dict[str, Prompt] = {}
            size = 0
            for key, prompt in group.items():
                line = len(self.teacher.batch_line(key, prompt)) + 1
                if part and (len(part) == self.teacher.batch_requests or size + line > self.teacher.batch_bytes):
                    yield identity, part
                    part, size = {}, 0
                part[key] = prompt
                size += line
            yield identity, part

    async def _submit(self, identity: Mapping[str, Any], part: Mapping[str, Prompt]) -> OpenBatch:
        lines = [self.teacher.batch_line(key, prompt) for key, prompt in part.items()]
        batch = batch_log.add(self.store, identity, {key: prompt.example.id for key, prompt in part.items()})
        id = await self.teacher.submit_batch(batch.digest, lines)
        batch_log.set_id(self.store, batch.digest, id)
        log.warning(
            "submitted batch %s with %d requests; it continues after Ctrl-C; run the same command again to collect it",
            id,
            len(part),
        )
        return replace(batch, id=id)

    # --- collecting ---------------------------------------------------------------------

    async def _collect_all(self, waiting: list[OpenBatch], wanted: Mapping[str, Prompt]) -> None:
        """Collect each batch as soon as it has ended."""
        open_, answered = list(waiting), dict[str, int]()
        while True:
            for batch in list(open_):
                state = await self.teacher.batch_state(batch.id)
                answered[batch.id] = len(batch.items) if state.ended else state.answered
                if state.ended:
                    await self._collect(batch, state.problem, wanted)
                    open_.remove(batch)
            self.on_progress(sum(answered.values()), sum(len(batch.items) for batch in waiting))
            if not open_:
                return
            if passed := self.budget.passed(NO_USAGE, 0):
                raise BudgetError(f"budget {passed[0]} reached", where=_continues(open_), hint=passed[1])
            await asyncio.sleep(self.teacher.batch_poll)

    async def _collect(self, batch: OpenBatch, problem: DstillError | None, wanted: Mapping[str, Prompt]) -> None:
        answered: set[str] = set()
        errors: dict[str, DstillError] = {}
        arrived: dict[str, Reply] = {}
        unknown = 0
        async for key, answer in self.teacher.batch_answers(batch.id):
            if key not in batch.items:
                unknown += 1
            elif isinstance(answer, DstillError):
                errors.setdefault(key, answer)
            elif key not in answered:
                answered.add(key)
                arrived[key] = replace(answer, id=batch.items[key])
                if len(arrived) == COMMIT_SIZE:
                    await self._store(batch, arrived, wanted)
                    arrived = {}
        await self._store(batch, arrived, wanted)
        if unknown:
            log.warning("batch %s: ignored %d answers to unknown requests", batch.id, unknown)
        missing = problem or ServiceError(f"batch {batch.id} ended without an answer to this request")
        failed = {key: errors.get(key, missing) for key in batch.items if key not in answered}
        await asyncio.to_thread(batch_log.close, self.store, batch.digest, failed)
        for key, error in failed.items():
            self.last_failure, self.problems[key] = error, problem_of(error)

    async def _store(self, batch: OpenBatch, arrived: Mapping[str, Reply], wanted: Mapping[str, Prompt]) -> None:
        worst = {key: worst_case(prompt, 0) for key in arrived if (prompt := wanted.get(key)) is not None}
        replies = {key: with_estimate(reply, worst.get(key, NO_USAGE)) for key, reply in arrived.items()}
        await asyncio.to_thread(self.store.put_many, [(key, reply, batch.identity) for key, reply in replies.items()])
        for reply in replies.values():
            self.budget.count(reply)


def _continues(batches: list[OpenBatch]) -> str:
    ids = ", ".join(batch.id for batch in batches)
    return f"batch {ids} continues at the provider; run the same command again to collect it"
