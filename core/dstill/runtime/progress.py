"""How a stage reports its progress.

progress("training", 30, 1200, "loss 0.42")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Progress", "Steps", "silent"]


class Progress(Protocol):
    """A function that a stage calls while it works."""

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None:
        """`what` is done up to `done` of `total` items (0: unknown). `detail`: a few more words for the user."""


def silent(what: str, done: int, total: int, detail: str = "") -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Steps:
    """The progress of a training, called after each step."""

    progress: Progress
    preparing: str  # what ends with the first step

    def __call__(self, step: int, steps: int, values: Mapping[str, float]) -> None:
        """Report speed and loss."""
        parts = [f"{values['rows_per_second']:.3g} rows/s"] if "rows_per_second" in values else []
        if "loss" in values:
            parts.append(f"loss {values['loss']:.4f}")
        self.progress(self.preparing, 1, 1)
        self.progress("training", step, steps, ", ".join(parts))
