"""Early stopping: training ends once the score has stopped improving.

best = Best(larger=True, patience=2)
best.add(100, 0.61)        # → True: the best so far
best.add(200, 0.60);  best.add(300, 0.61);  best.over      # → True: no improvement twice
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Best"]


@dataclass(kw_only=True)
class Best:
    """The best score so far, and how many scores since then were not better."""

    larger: bool  # whether a larger score is better
    patience: int
    step: int | None = None
    value: float | None = None
    waited: int = 0

    def add(self, step: int, value: float) -> bool:
        """Record the score of `step`; True if it is better than all before."""
        better = self.value is None or (value > self.value if self.larger else value < self.value)
        if better:
            self.step, self.value, self.waited = step, value, 0
        else:
            self.waited += 1
        return better

    @property
    def over(self) -> bool:
        return self.waited >= self.patience
