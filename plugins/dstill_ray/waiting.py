"""A long call into Ray in a thread, so that the command goes on looking and hears of Ctrl-C.

fitting = in_background(trainer.fit)
while not over(fitting): …               # every half second
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import Any, Callable

__all__ = ["in_background", "over"]

EVERY = 0.5  # seconds


def in_background(call: Callable[[], Any]) -> Future[Any]:
    """The thread keeps nobody from leaving: Ray ends what it waits for."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def over(future: Future[Any]) -> bool:
    """Whether it has ended, after at most half a second."""
    return bool(wait([future], timeout=EVERY).done)
