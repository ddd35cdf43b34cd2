"""A large model that is asked what the student does not answer: one question at a time, from any thread.

    with Fallback(setup, "openai:gpt-5-mini", training_rows, purchase) as fallback:
        fallback.ask(example).result()     →  Prediction(id="q-1", text="<rationale>…", tokens=41, seconds=1.2)
        fallback.usd                       →  0.0031, of all commands that asked for this run; None: not known

The prompt is that of `dstill.answering.prompted`. Replies come from the reply store where it has them, and the caps of
``[evaluate]`` hold for what is bought here, over all commands. Nothing is asked again after a wrong reply.

A question that still waits for its turn can be cancelled, and costs nothing. A request that was sent is finished and
stored although nobody waits for it any more: it is paid. If the service refuses the key or the model, or fails again
and again, it is left alone for `REST` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self

from dstill.answering import prompted
from dstill.api.records import Example, Prediction, Problem, Prompt, Record
from dstill.errors import AnswerError, BudgetError, DstillError
from dstill.factory import Setup
from dstill.io.logs import log
from dstill.teacher.purchase import Purchase

if TYPE_CHECKING:
    from types import TracebackType

    from dstill.teacher.budget import Budget
    from dstill.teacher.client import Scheduler

__all__ = ["OPTION", "REST", "Fallback"]

OPTION = "--fallback"
REST = 60.0  # seconds


class Fallback:
    """A context manager. Raises ConfigError, AuthError, TrustError if the model cannot be asked at all."""

    def __init__(self, setup: Setup, system: str, training: Sequence[Record], purchase: Purchase) -> None:
        """`system`: TEACHER:MODEL. `training`: the rows that worked examples are taken from."""
        prompted.require(setup.plugins, system, where=OPTION, role="large model")
        self.name = system
        self._model = prompted.PromptedModel(setup, system, training)
        self._purchase = purchase
        self._opened = contextlib.ExitStack()
        self._refused: DstillError | None = None  # why the service is left alone
        self._rests_until = 0.0
        self._loop: asyncio.AbstractEventLoop
        self._budget: Budget
        self._scheduler: Scheduler
        self._turns: asyncio.Semaphore

    def __enter__(self) -> Self:
        """Starts the thread that asks."""
        ready = Future[asyncio.Event]()
        thread = threading.Thread(target=self._run, args=(ready,), name="large model")
        thread.start()
        try:
            stop = ready.result()
        except BaseException:
            thread.join()
            raise
        self._opened.callback(thread.join)
        self._opened.callback(self._loop.call_soon_threadsafe, stop.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def usd(self) -> float | None:
        """US dollars spent for this run; None: the price is not known."""
        return self._budget.usd

    @property
    def is_limited(self) -> bool:
        """Whether something limits what it costs: a cap, or that it is free."""
        return self._model.is_capped or not self._model.teacher.paid

    def ask(self, example: Example) -> Future[Prediction]:
        """The prediction of the model for `example`. The future raises a DstillError if it writes nothing.

        Cancelling the future is safe at any time.
        """
        return asyncio.run_coroutine_threadsafe(self._asked(example), self._loop)

    # --- in the thread ------------------------------------------------------------------

    def _run(self, ready: Future[asyncio.Event]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _serve(self, ready: Future[asyncio.Event]) -> None:
        from dstill.teacher.cache import ReplyStore
        from dstill.teacher.client import Scheduler

        model, stop = self._model, asyncio.Event()
        self._loop, self._turns = asyncio.get_running_loop(), asyncio.Semaphore(model.concurrency)
        with ReplyStore(self._purchase.store, buyer=self._purchase.buyer) as store:
            self._budget = model.budget(store)
            async with (
                model.teacher as teacher,
                Scheduler(teacher, store, model.concurrency, 0, self._budget, isolated=True) as self._scheduler,
            ):
                ready.set_result(stop)
                await stop.wait()

    async def _asked(self, example: Example) -> Prediction:
        """Waits for its turn, and then for the reply. The turn ends with the reply, whether or not it is waited for."""
        await self._turns.acquire()
        answering = asyncio.ensure_future(self._answer(example))
        answering.add_done_callback(lambda _: self._turns.release())
        return await asyncio.shield(answering)

    async def _answer(self, example: Example) -> Prediction:
        if self._refused is not None and time.monotonic() < self._rests_until:
            raise self._refused
        prompt = await asyncio.to_thread(self._prompt, example)
        try:
            reply = await self._scheduler.start(prompt)
        except DstillError as error:
            self._warn(error.what, f": {error.hint} raises it" if isinstance(error, BudgetError) else "")
            if not isinstance(error, BudgetError):  # which was raised before anything was sent
                self._refused, self._rests_until = error, time.monotonic() + REST
            raise
        self._refused = None
        if isinstance(reply.reply, Problem):
            self._warn(reply.reply.message)
            raise AnswerError(reply.reply.message)
        return prompted.prediction(reply)

    def _prompt(self, example: Example) -> Prompt:
        return next(self._model.prompts([example]))

    def _warn(self, what: str, more: str = "") -> None:
        log.warning("%s does not answer: %s%s", self.name, what, more, extra={"once": True})
