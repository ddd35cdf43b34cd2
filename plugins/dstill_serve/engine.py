"""Executes answers in threads, so that a slow engine does not block the student.

    with Runner(predictor) as runner:
        await runner.run(example, predicted, timeout=20)        # outcome "unavailable" if the engine does not respond
        await runner.state()                                    # EngineState(reachable=True, reason="", drift=())

There are as many threads as the executor allows. An execution that has not started when its timeout passes never does.
One that has started occupies its thread until the engine's own timeout ends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from dstill.api.records import Example, OutcomeKind
from dstill.errors import DstillError
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = ["EngineState", "Runner"]

T = TypeVar("T")

CHECK_SECONDS = 5.0  # seconds for which a check of the engine is reused
PATIENCE = 3.0  # seconds that a check may take


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """The result of a check of the engine."""

    reachable: bool | None  # None: this server does not execute answers
    reason: str = ""  # why it is unreachable
    drift: tuple[str, ...] = ()  # what the student was trained on and the engine no longer has, one line each


class Runner:
    """A context manager; its end waits for executions that have started."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        executor = predictor.executor
        self._pool = ThreadPoolExecutor(executor.parallel if executor else 1, thread_name_prefix="engine")
        self._checking = asyncio.Lock()
        self._state: EngineState | None = None
        self._checked_at = 0.0
        self._last_failure = ""  # why the last execution got no reply from the engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    async def run(
        self, example: Example, predicted: PredictedAnswer, *, timeout: float, alternatives: bool = False
    ) -> PredictedAnswer:
        """`predicted` with its result if it is valid, else unchanged. Failures of the engine become its outcome.

        `alternatives`: with other answers.
        """
        if not predicted.ok and not (alternatives and predicted.refused):
            return predicted

        def work() -> PredictedAnswer:
            executed = self._predictor.executed(example, predicted)
            return self._predictor.with_alternatives(example, executed) if alternatives else executed

        try:
            executed = await self._in_thread(timeout, work)
        except TimeoutError:
            executed = predicted.unavailable(f"the engine gave no answer within {timeout:.1f} s")
        except DstillError as error:  # for example a missing index or a refused key
            executed = predicted.unavailable(error.what)
        self._last_failure = executed.reason if executed.outcome == OutcomeKind.UNAVAILABLE else ""
        return executed

    async def state(self) -> EngineState:
        """The state of the engine, at most `CHECK_SECONDS` seconds old."""
        async with self._checking:
            if self._state is None or time.monotonic() - self._checked_at > CHECK_SECONDS:
                self._state, self._checked_at = await self._check(), time.monotonic()
            return self._state

    async def _check(self) -> EngineState:
        predictor, executor = self._predictor, self._predictor.executor

        def check() -> EngineState:
            drift = predictor.drift()
            if executor is None:
                return EngineState(reachable=None, drift=drift)
            facts = executor.facts([Example(id="", question="", context=predictor.context)])
            if facts:
                return EngineState(reachable=True, drift=drift)
            # The data of this engine cannot change, so it was not contacted: the last execution tells its state.
            return EngineState(reachable=not self._last_failure, reason=self._last_failure, drift=drift)

        drift = self._state.drift if self._state else ()
        try:
            return await self._in_thread(PATIENCE, check)
        except TimeoutError:
            return EngineState(reachable=False, reason=f"no answer within {PATIENCE:g} s", drift=drift)
        except DstillError as error:
            return EngineState(reachable=False, reason=error.what, drift=drift)

    async def _in_thread(self, timeout: float, work: Callable[[], T]) -> T:
        """The result of `work`, run in the pool. Raises TimeoutError after `timeout` seconds."""
        return await asyncio.wait_for(asyncio.wrap_future(self._pool.submit(work)), max(0.0, timeout))
