"""What the tools that make a base know of a task pack."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dstill.api.form import Form, Token
from dstill.api.records import Example
from dstill.linked import Reading

__all__ = ["NAMES", "Answers", "Pack", "load"]

NAMES = ("querydsl", "sql")
Answers = Iterator[tuple[Reading, Sequence[Token]]]  # readings of questions, and the tokens of their answers


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A task pack, and what its base is trained and scored on."""

    task: str
    form: Form  # for its vocabulary, and for `Form.replay`
    folder: Path  # of the published base
    answers: Callable[[int], Answers]  # endless, from a seed
    development: Mapping[str, Callable[[], list[Example]]]  # sets that developers may read, never trained on
    held_out: Mapping[str, Callable[[], list[Example]]]  # sets whose questions nobody reads while the base is developed
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the task, when the sets are scored
    data: str  # for the card: what it was trained on
    weaknesses: Sequence[str] = ()  # for the card, besides those of every base


def load(name: str) -> Pack:
    """The pack of that name, one of `NAMES`."""
    found: Pack = importlib.import_module(f"tools.base.{name}").PACK
    return found
