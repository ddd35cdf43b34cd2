"""Runs a long call to Ray in a thread, so that the command can report progress and react to Ctrl-C.

fit = in_background(trainer.fit)
while not finished(fit): …               # waits for half a second
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

__all__ = ["finished", "in_background"]

INTERVAL = 0.5  # seconds


def in_background(call: Callable[[], Any]) -> Future[Any]:
    """Run `call` in a daemon thread, which does not keep the process from exiting."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def finished(future: Future[Any]) -> bool:
    """Whether the call has ended, after waiting for it for at most `INTERVAL`."""
    return bool(wait([future], timeout=INTERVAL).done)
