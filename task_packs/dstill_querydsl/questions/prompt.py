"""What a question wants of the documents that it describes: a frame with a place for their phrase.

Ask(ways=("the {n} newest {what}", …), slots={"n": 5}, before={"size": 5}, after={"sort": […]}, why="…")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from dstill_querydsl.questions.context import Draw

__all__ = ["Ask", "AskMaker"]


@dataclass(frozen=True, kw_only=True)
class Ask:
    ways: Sequence[str]  # `{what}` is where the noun phrase goes
    why: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)  # keys that stand before "query"
    after: Mapping[str, Any] = field(default_factory=dict)  # keys that stand after it


AskMaker = Callable[[Draw], Ask]
