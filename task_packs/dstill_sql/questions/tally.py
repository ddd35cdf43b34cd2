"""Counts of the questions that were made, for the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Tally"]


@dataclass
class Tally:
    """Counts of questions made and dropped."""

    made: Counter[str] = field(default_factory=Counter)  # by category
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    remarks: list[str] = field(default_factory=list)  # what else the user should know

    def lines(self) -> Iterator[str]:
        """Lines for the user."""
        if self.made:
            dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common(5))
            n = self.dropped.total()
            yield f"{n} {'candidate' if n == 1 else 'candidates'} dropped{': ' if dropped else ''}{dropped}"
        yield from self.remarks
