"""Handles Ctrl-C and SIGTERM: the first one stops in an orderly way, the second one ends the process at once.

    run(ask_about_everything())      # as `asyncio.run`; Ctrl-C cancels the task, then raises KeyboardInterrupt

    with Stop() as stop:             # for loops: the current step is finished first
        while not stop.asked:
            with stop.interrupting(): …   # but this part of it is not: KeyboardInterrupt

    with sigterm_interrupts(): …     # SIGTERM raises KeyboardInterrupt, as Ctrl-C does

With `asyncio.run` alone, a second Ctrl-C still waits for slow tasks. Not covered: threads other than the main one, and
programs that handle SIGINT themselves. Nothing changes for these.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self, TypeVar

__all__ = ["Stop", "handling", "next_quits", "run", "sigterm_interrupts"]

T = TypeVar("T")
Handler = Callable[[int, FrameType | None], Any]


@contextlib.contextmanager
def handling(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Handle these signals with `handler` during the block. Only in the main thread."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def next_quits(*numbers: signal.Signals) -> None:
    """From now on, these signals end the process at once. Default: Ctrl-C."""
    for number in numbers or (signal.SIGINT,):
        signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt in the block; after the block it ends the process."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, interrupt)
    yield
    with contextlib.suppress(ValueError):
        next_quits(signal.SIGTERM)


class Stop:
    """SIGINT or SIGTERM sets `asked`; a second one ends the process at once.

    A signal that was ignored stays ignored, such as SIGINT of a command that a script started in the background.
    """

    def __init__(self) -> None:
        self.asked = False
        self._raises = False
        self._handled: list[signal.Signals] = []
        self._handling = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if _is_main() and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN):
            both = (signal.SIGINT, signal.SIGTERM)
            self._handled = [number for number in both if signal.getsignal(number) is not signal.SIG_IGN]
            self._handling.enter_context(handling(self._ask, *self._handled))
        return self

    def _ask(self, *_: object) -> None:
        self.asked = True
        next_quits(*self._handled)
        if self._raises:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def interrupting(self) -> Iterator[None]:
        """In the block, the signal raises KeyboardInterrupt; if it came before, at once."""
        self._raises = True
        try:
            if self.asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._raises = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handling.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises KeyboardInterrupt if Ctrl-C stopped it.

    Where a loop runs already, as in a notebook, `work` gets one in another thread.
    """
    import asyncio  # imported here: every command imports this module, and few need asyncio

    if _loop_runs():
        return _in_thread(work)
    if not _is_main() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return asyncio.run(work)
    stopped = False

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(*_: object) -> None:
            nonlocal stopped
            stopped = True
            next_quits()
            loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGINT, stop)
        return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        if stopped:
            raise KeyboardInterrupt from None
        raise
    finally:  # only after the loop is closed: its own handler would wait at a second Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _loop_runs() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_thread(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, from a loop in another thread. Ctrl-C cancels it."""
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor

    begun = Future[Callable[[], Any]]()

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        begun.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        return await work

    with ThreadPoolExecutor(1) as pool:  # its end waits for the thread
        result = pool.submit(asyncio.run, watched())
        try:
            return result.result()
        except KeyboardInterrupt:
            begun.result()()
            raise


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
