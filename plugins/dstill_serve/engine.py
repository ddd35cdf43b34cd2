"""Answers run beside the student, in as many threads as the executor takes, each run with an end.

    with Runner(answering) as runner:
        await runner.ran(example, answered, seconds=20)     # its outcome is "unavailable" where the engine is not there
        await runner.state()                                # State(reachable=True, reason="", drift=())

A run that nobody waits for any more is not begun; one that has begun ends by the engine's own timeout, and its thread
is taken until then.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Callable, Self, TypeVar

from dstill.api.records import Example, OutcomeKind
from dstill.errors import DstillError
from dstill.pipeline.predict import PredictedAnswer, Predictor

__all__ = ["Runner", "State"]

T = TypeVar("T")

FRESH = 5.0  # seconds that a look at the engine is good for
PATIENCE = 3.0  # seconds that a look may take


@dataclass(frozen=True, kw_only=True)
class State:
    reachable: bool | None  # None: this server runs no answers
    reason: str = ""  # why not
    drift: tuple[str, ...] = ()  # what the student learnt of and is not there any more


class Runner:
    """A context manager; at its end runs that have begun are waited for."""

    def __init__(self, answering: Predictor) -> None:
        self._answering = answering
        executor = answering.executor
        self._pool = ThreadPoolExecutor(executor.parallel if executor else 1, thread_name_prefix="engine")
        self._looking = asyncio.Lock()
        self._seen: State | None = None
        self._seen_at = 0.0
        self._lost = ""  # why the last run got no answer from the engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def ran(self, example: Example, answered: PredictedAnswer, *, seconds: float) -> PredictedAnswer:
        """`answered`, run where it is valid. Never raises for what an engine does or does not do."""
        if not answered.ok:
            return answered
        try:
            ran = await self._within(seconds, lambda: self._answering.executed(example, answered))
        except TimeoutError:
            ran = _unavailable(answered, f"the engine gave no answer within {seconds:.1f} s")
        except DstillError as error:  # the index is gone, a key is refused
            ran = _unavailable(answered, error.what)
        self._lost = ran.reason if ran.outcome == OutcomeKind.UNAVAILABLE else ""
        return ran

    async def state(self) -> State:
        """Whether the engine is there, as of the last few seconds."""
        async with self._looking:
            if self._seen is None or time.monotonic() - self._seen_at > FRESH:
                self._seen, self._seen_at = await self._look(), time.monotonic()
            return self._seen

    async def _look(self) -> State:
        answering, executor = self._answering, self._answering.executor

        def look() -> State:
            drift = answering.drift()
            if executor is None:
                return State(reachable=None, drift=drift)
            asked = executor.facts([Example(id="", question="", context=answering.context)])
            # an engine whose data cannot move is not asked anything: then the last run is what is known of it
            return State(reachable=bool(asked) or not self._lost, reason="" if asked else self._lost, drift=drift)

        drift = self._seen.drift if self._seen else ()
        try:
            return await self._within(PATIENCE, look)
        except TimeoutError:
            return State(reachable=False, reason=f"no answer within {PATIENCE:g} s", drift=drift)
        except DstillError as error:
            return State(reachable=False, reason=error.what, drift=drift)

    async def _within(self, seconds: float, work: Callable[[], T]) -> T:
        """`work` in a thread of the pool. Raises TimeoutError; what has not begun by then never does."""
        return await asyncio.wait_for(asyncio.wrap_future(self._pool.submit(work)), max(0.0, seconds))


def _unavailable(answered: PredictedAnswer, reason: str) -> PredictedAnswer:
    return replace(answered, ok=False, outcome=OutcomeKind.UNAVAILABLE.value, reason=reason)
