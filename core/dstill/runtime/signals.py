"""What Ctrl-C and SIGTERM do. The first one stops in order; the second one is the system's own and quits at once.

    run(ask_about_everything())      # as `asyncio.run`: KeyboardInterrupt at Ctrl-C, after what has arrived was kept

    with Stop() as stop:             # for loops in steps: the step that runs is finished first
        while not stop.asked: …

    with sigterm_interrupts(): …     # SIGTERM raises KeyboardInterrupt, as Ctrl-C does

`asyncio.run` alone waits for tasks that take their time also at the second Ctrl-C. Not covered:
other threads than the main one, and programs that handle SIGINT themselves; there it is as ever.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Callable, Coroutine, Iterator, NoReturn, Self, TypeVar

__all__ = ["Stop", "handling", "next_quits", "run", "sigterm_interrupts"]

T = TypeVar("T")
Handler = Callable[[int, FrameType | None], Any]


@contextlib.contextmanager
def handling(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """`handler` for these signals, while the block lasts. In the main thread only."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def next_quits(*numbers: signal.Signals) -> None:
    """From now on these signals (else Ctrl-C) end the process at once."""
    for number in numbers or (signal.SIGINT,):
        signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt in the block; behind it, where nothing is left to stop, it ends the process."""

    def interrupt(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, interrupt)
    yield
    with contextlib.suppress(ValueError):
        next_quits(signal.SIGTERM)


class Stop:
    """The first signal asks, the second one ends the process at once.

    A signal that is ignored stays so (SIGINT, where a script began the command in the background).
    """

    def __init__(self) -> None:
        self.asked = False
        self._heard: list[signal.Signals] = []
        self._handling = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if _is_main() and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN):
            both = (signal.SIGINT, signal.SIGTERM)
            self._heard = [number for number in both if signal.getsignal(number) is not signal.SIG_IGN]
            self._handling.enter_context(handling(self._ask, *self._heard))
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        next_quits(*self._heard)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handling.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises KeyboardInterrupt when it was stopped by Ctrl-C."""
    import asyncio  # here, as every command imports this and few wait

    if not _is_main() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return asyncio.run(work)
    stopped = False

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int, frame: object) -> None:
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
    finally:  # not before the loop is closed, whose own handler would wait at a second Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
