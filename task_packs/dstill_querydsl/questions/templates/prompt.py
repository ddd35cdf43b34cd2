"""The operation of a question: a wording with a slot for the documents, and the keys of the body.

Ask(ways=("the {n} newest {what}", …), slots={"n": 5}, before={"size": 5}, after={"sort": […]}, why="…")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dstill_querydsl.questions.templates.context import Draw

__all__ = ["Ask", "AskMaker"]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One operation, such as the newest documents or an average."""

    ways: Sequence[str]  # `{what}` is the slot for the noun phrase
    why: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)  # keys before "query"
    after: Mapping[str, Any] = field(default_factory=dict)  # keys after "query"


AskMaker = Callable[[Draw], Ask]
