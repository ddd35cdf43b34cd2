"""Commands that serve a page, each in a process of its own.

with processes() as start:
    process, said = start(["-m", "dstill", "serve", …], until="curl ", cwd=place)    # said: its lines so far
    ended(process, by=signal.SIGINT)                  # (exit code, stdout, the rest of stderr)
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

__all__ = ["ended", "processes"]

PATIENCE = 60  # seconds: a busy machine is slow
Process = subprocess.Popen[str]


@contextlib.contextmanager
def processes() -> Iterator[Callable[..., tuple[Process, list[str]]]]:
    """What starts them and waits for a line; those that are left are killed at the end."""
    started: list[Process] = []

    def start(words: Sequence[str], *, until: str, **how: Any) -> tuple[Process, list[str]]:
        process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how
        )
        started.append(process)
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if line.startswith(until):
                return process, said
        raise AssertionError("".join(said))

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: Process, by: int = 0) -> tuple[int, str, str]:
    """Exit code, stdout and the rest of stderr, after a signal where one is given."""
    if by:
        process.send_signal(by)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err
