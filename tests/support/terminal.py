"""What a command wrote to a terminal.

    code, text = in_terminal(["dstill", "demo"], stdin=subprocess.DEVNULL)

    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdout=theirs):
        os.close(theirs)
        text = shown(ours)                # to its end, when `theirs` is closed everywhere

One `os.read` may give only the first of several writes.
"""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

__all__ = ["in_terminal", "shown"]

PATIENCE = 60  # seconds: a busy machine is slow, a test that hangs is wrong


def in_terminal(words: Sequence[str], *, typed: str = "", drop: Sequence[str] = (), **how: Any) -> tuple[int, str]:
    """Exit code and output. `typed` is there at the beginning; `env` adds variables, and `drop` takes some away."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(words, **{**streams, **how, "env": {**kept, **how.get("env", {})}}) as process:
        os.close(theirs)
        clock = threading.Timer(PATIENCE, process.kill)
        clock.start()
        text = shown(ours)
        clock.cancel()
    return process.returncode, text


def shown(terminal: int) -> str:
    """All that came; the terminal is closed then."""
    read = b""
    while chunk := _read(terminal):
        read += chunk
    os.close(terminal)
    return read.decode().replace("\r", "")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux tells that the other side is closed
        return b""
