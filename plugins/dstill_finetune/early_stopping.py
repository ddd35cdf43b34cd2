"""When training ends before its last step: a score that no longer rises.

best = Best(larger=True, patience=2)
best.add(100, 0.61)        # → True: the best so far
best.add(200, 0.60);  best.add(300, 0.61);  best.over      # → True: twice no better
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Best"]


@dataclass(kw_only=True)
class Best:
    """The best of a row of scores, and for how many no better one came."""

    larger: bool  # whether a larger score is better
    patience: int
    step: int | None = None
    value: float | None = None
    waited: int = 0

    def add(self, step: int, value: float) -> bool:
        """Whether `value` is better than all before."""
        better = self.value is None or (value > self.value if self.larger else value < self.value)
        if better:
            self.step, self.value, self.waited = step, value, 0
        else:
            self.waited += 1
        return better

    @property
    def over(self) -> bool:
        return self.waited >= self.patience
