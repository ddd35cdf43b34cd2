"""Where the replies of a teacher are stored, and who pays for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Purchase"]


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """Where replies are stored, who buys them, and how to resume."""

    store: Path
    buyer: str  # a budget covers all calls with the same buyer
    resume: str  # the command that continues where this call stopped
    where: str  # the run's folder, for messages
