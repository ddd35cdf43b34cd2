"""Ends a trial's process when the sweep that started it ends, for whatever reason.

    with parent_pipe() as stdin:                # in the sweep
        subprocess.Popen(command, stdin=stdin)
    exit_with_parent()                          # in the trial

The pipe never carries data. The operating system closes the sweep's end when its process ends, even after SIGKILL. A
trial that kept running would keep the lock of its run, and the sweep could not be resumed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

__all__ = ["exit_with_parent", "parent_pipe"]


@contextlib.contextmanager
def parent_pipe() -> Iterator[int]:
    """A file descriptor for a trial's standard input, which closes at the end of the block."""
    read_end, write_end = os.pipe()
    try:
        yield read_end
    finally:
        os.close(read_end)
        os.close(write_end)


def exit_with_parent() -> None:
    """Send SIGTERM to this process when its standard input closes."""
    stdin = sys.stdin.fileno()

    def wait() -> None:
        while os.read(stdin, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
