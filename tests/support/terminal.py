"""What a command wrote to a terminal.

    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdout=theirs):
        os.close(theirs)
        text = shown(ours)                # to its end, when `theirs` is closed everywhere

One `os.read` may give only the first of several writes.
"""

from __future__ import annotations

import os

__all__ = ["shown"]


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
