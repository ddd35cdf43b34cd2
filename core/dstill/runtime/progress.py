"""How a stage reports its progress.

progress("training", 30, 1200, "loss 0.42")
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """A function that a stage calls while it works."""

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None:
        """`what` is done up to `done` of `total` items (0: unknown). `detail`: a few more words for the user."""


def silent(what: str, done: int, total: int, detail: str = "") -> None:
    """Report nothing."""
