"""How a stage reports its progress.

progress("training", 30, 1200, "loss 0.42")
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called as work goes on. `total` 0: unknown; `detail`: a few more words for the person who watches."""

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None: ...


def silent(what: str, done: int, total: int, detail: str = "") -> None:
    """Report nothing."""
