"""`asyncio.run`, but the first Ctrl-C stops in order and the second quits at once.

    run(ask_about_everything())     # KeyboardInterrupt at Ctrl-C, after what has arrived was kept

`asyncio.run` alone waits for tasks that take their time also at the second Ctrl-C. Not covered:
other threads than the main one, and programs that handle SIGINT themselves; there it is as ever.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any, Coroutine, TypeVar

__all__ = ["run"]

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises KeyboardInterrupt when it was stopped by Ctrl-C."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return asyncio.run(work)
    stopped = False

    async def watched() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int, frame: object) -> None:
            nonlocal stopped
            stopped = True
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the system's own answer from now on
            loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGINT, stop)
        return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        if stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
