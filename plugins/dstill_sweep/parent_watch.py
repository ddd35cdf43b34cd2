"""A trial ends with the sweep that began it, however that ends.

    with leash() as end:                        # in the sweep
        subprocess.Popen(command, stdin=end)
    follow()                                    # in the trial: SIGTERM to itself once its standard input ends

Nothing is ever written there. The system closes the other end with the sweep's process, after SIGKILL too: a trial
that went on would hold its run, and the same command could not go on with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import Iterator

__all__ = ["follow", "leash"]


@contextlib.contextmanager
def leash() -> Iterator[int]:
    """What a trial gets as its standard input; it ends with the block."""
    theirs, ours = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def follow() -> None:
    """Stop this process as a person would, once its standard input has ended."""
    number = sys.stdin.fileno()

    def wait() -> None:
        while os.read(number, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
