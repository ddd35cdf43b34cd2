"""Ask a teacher about many prompts in batches: submit, leave, come back, collect.

    async with teacher:                                      # a BatchTeacher
        async for asked in replies(teacher, prompts, store):
            asked.prompt.example.id, asked.reply             # as from `dstill.teacher.client.replies`

In: prompts; all are taken before the first is asked. Out: one `Asked` a prompt, in the prompts' order, once every
batch has ended. What is to be bought is on disk (`dstill.teacher.batch_log`) before it is submitted, and a batch
carries the digest of its keys: so whoever comes after a kill, at whatever moment, finds the batch at the endpoint and
collects it instead of buying another. An open batch that holds one of the prompts is waited for, whoever submitted it.

What has no answer in an ended batch is an attempt and a Problem, and is asked again by the next run. Caps hold for
what is submitted, by its worst case. Not covered: an endpoint that lists a batch only a while after it was made,
where the process was killed just then.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any, AsyncIterator, Callable, Iterable, Iterator, Mapping

from dstill.api.records import Problem, Prompt, Reply
from dstill.api.teacher import BatchTeacher
from dstill.errors import BudgetError, DstillError, ServiceError
from dstill.io.strict_json import dumps
from dstill.teacher import batch_log
from dstill.teacher.batch_log import OpenBatch
from dstill.teacher.budget import NOTHING, Budget, Caps, with_estimate, worst_case
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, TeacherReply, problem_of, worst_of

__all__ = ["replies"]

TOGETHER = 500  # replies in one commit

log = logging.getLogger("dstill")


async def replies(
    teacher: BatchTeacher,
    prompts: Iterable[Prompt],
    store: ReplyStore,
    *,
    sample: int = 0,
    counts: Counts | None = None,
    budget: Budget | None = None,
    looked: Callable[[int, int], None] = lambda answered, total: None,
) -> AsyncIterator[TeacherReply]:
    """Every prompt's reply, in order. `looked` is told how many requests are answered, of how many, at each look.

    Raises BudgetError where a cap is met: when all that was submitted is kept, or, of time, at once.
    """
    counts = Counts() if counts is None else counts
    asked = [(store.key(teacher.identity(prompt), prompt.messages, sample), prompt) for prompt in prompts]
    desk = _BatchScheduler(teacher, store, Budget(Caps()) if budget is None else budget, looked)
    bought = {key: prompt for key, prompt in asked if store.get(key) is None}
    await desk.buy(bought)
    for key, prompt in asked:
        answer: Reply | Problem | None = store.get(key) or desk.problems.get(key)
        if answer is None:
            raise desk.capped(prompt)
        if isinstance(answer, Reply):
            answer = replace(answer, id=prompt.example.id)
        one = TeacherReply(prompt=prompt, reply=answer, key=key, cached=bought.pop(key, None) is None)
        counts.add(one)
        yield one
    if counts.failed and not counts.bought and not counts.cached and desk.last_failure:
        raise desk.last_failure  # not one answer: it is the service, not the questions


class _BatchScheduler:
    """The batches of one `replies`."""

    def __init__(
        self, teacher: BatchTeacher, store: ReplyStore, budget: Budget, looked: Callable[[int, int], None]
    ) -> None:
        self.teacher, self.store, self.budget, self.looked = teacher, store, budget, looked
        self.problems: dict[str, Problem] = {}
        self.last_failure: DstillError | None = None
        self._cap: tuple[str, str] = ("", "")  # what left no room, for `Budget.reached`

    async def buy(self, wanted: Mapping[str, Prompt]) -> None:
        """Have each of `wanted` in the store or among the problems; but for those that a cap leaves no room for."""
        if not wanted:
            return
        with batch_log.submitting(self.store):
            waiting = await self._found(wanted)
            there = {key for batch in waiting for key in batch.items}
            new = {key: prompt for key, prompt in wanted.items() if key not in there}
            for identity, part in self._parts(self._within_caps(new)):
                waiting.append(await self._submitted(identity, part))
        try:
            await self._collected(waiting, wanted)
        except asyncio.CancelledError:
            log.warning("%s", _left(waiting))
            raise

    def capped(self, prompt: Prompt) -> BudgetError:
        """Why `prompt` was not asked."""
        return self.budget.reached(self._cap, worst_of(self.teacher, prompt))

    async def _found(self, wanted: Mapping[str, Prompt]) -> list[OpenBatch]:
        """The open batches that hold one of `wanted`, each with its id."""
        found = []
        for batch in batch_log.unfinished(self.store):
            if wanted.keys().isdisjoint(batch.items):
                continue
            id = batch.id or await self.teacher.find_batch(batch.digest)
            if not id:  # it was never submitted
                batch_log.forgotten(self.store, batch.digest)
                continue
            if not batch.id:
                batch_log.submitted(self.store, batch.digest, id)
            log.info("batch %s was submitted before", id)
            found.append(replace(batch, id=id))
        return found

    def _within_caps(self, new: Mapping[str, Prompt]) -> dict[str, Prompt]:
        """As many of `new` as can pass no cap."""
        fitting: dict[str, Prompt] = {}
        worst = NOTHING
        for key, prompt in new.items():
            worst += worst_of(self.teacher, prompt)
            if passed := self.budget.passed(worst, len(fitting) + 1):
                self._cap = passed
                break
            fitting[key] = prompt
        return fitting

    def _parts(self, new: Mapping[str, Prompt]) -> Iterator[tuple[Mapping[str, Any], dict[str, Prompt]]]:
        """`new` cut into batches: of one identity each, and within the endpoint's limits."""
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

    async def _submitted(self, identity: Mapping[str, Any], part: Mapping[str, Prompt]) -> OpenBatch:
        lines = [self.teacher.batch_line(key, prompt) for key, prompt in part.items()]
        batch = batch_log.begun(self.store, identity, {key: prompt.example.id for key, prompt in part.items()})
        id = await self.teacher.submit_batch(batch.digest, lines)
        batch_log.submitted(self.store, batch.digest, id)
        log.warning(
            "batch %s of %d requests is submitted; Ctrl-C leaves it, the same command collects it", id, len(part)
        )
        return replace(batch, id=id)

    # --- collecting ---------------------------------------------------------------------

    async def _collected(self, waiting: list[OpenBatch], wanted: Mapping[str, Prompt]) -> None:
        """Every batch, as soon as it has ended."""
        open_, answered = list(waiting), dict[str, int]()
        while True:
            for batch in list(open_):
                state = await self.teacher.batch_state(batch.id)
                answered[batch.id] = len(batch.items) if state.ended else state.answered
                if state.ended:
                    await self._collect(batch, state.problem, wanted)
                    open_.remove(batch)
            self.looked(sum(answered.values()), sum(len(batch.items) for batch in waiting))
            if not open_:
                return
            if passed := self.budget.passed(NOTHING, 0):
                raise BudgetError(f"budget {passed[0]} reached", where=_left(open_), hint=passed[1])
            await asyncio.sleep(self.teacher.batch_poll)

    async def _collect(self, batch: OpenBatch, problem: DstillError | None, wanted: Mapping[str, Prompt]) -> None:
        answered: set[str] = set()
        errors: dict[str, DstillError] = {}
        arrived: dict[str, Reply] = {}
        strange = 0
        async for key, answer in self.teacher.batch_answers(batch.id):
            if key not in batch.items:
                strange += 1
            elif isinstance(answer, DstillError):
                errors.setdefault(key, answer)
            elif key not in answered:
                answered.add(key)
                arrived[key] = replace(answer, id=batch.items[key])
                if len(arrived) == TOGETHER:
                    await self._keep(batch, arrived, wanted)
                    arrived = {}
        await self._keep(batch, arrived, wanted)
        if strange:
            log.warning("batch %s: %d answers are to nothing that was asked, and left out", batch.id, strange)
        missing = problem or ServiceError(f"batch {batch.id} ended without an answer to this")
        failed = {key: errors.get(key, missing) for key in batch.items if key not in answered}
        await asyncio.to_thread(batch_log.ended, self.store, batch.digest, failed)
        for key, error in failed.items():
            self.last_failure, self.problems[key] = error, problem_of(error)

    async def _keep(self, batch: OpenBatch, arrived: Mapping[str, Reply], wanted: Mapping[str, Prompt]) -> None:
        asked = {key: worst_case(prompt, 0) for key in arrived if (prompt := wanted.get(key)) is not None}
        replies = {key: with_estimate(reply, asked.get(key, NOTHING)) for key, reply in arrived.items()}
        await asyncio.to_thread(self.store.put_many, [(key, reply, batch.identity) for key, reply in replies.items()])
        for reply in replies.values():
            self.budget.count(reply)


def _left(batches: list[OpenBatch]) -> str:
    return f"{', '.join(batch.id for batch in batches)} is left to go on without dstill; the same command collects it"
