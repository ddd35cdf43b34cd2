"""Objectives: what a student learns from a record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable, ClassVar, Iterable

from dstill.api.part import Part
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import (
    Draft,
    Example,
    Grammar,
    Pair,
    Record,
)
from dstill.api.task import Task

__all__ = ["Objective"]


class Objective(Part, ABC):
    """What a student learns from a record, and how its answer is read back."""

    # Share of the label's loss where there are two branches; the runtime sets it to ``train.label_weight``.
    alpha: float = 0.5
    ignores: ClassVar[frozenset[str]] = frozenset()  # keys of the recipe that change nothing here, as "label_weight"

    @abstractmethod
    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        """The sequences of one record, all in one forward pass; weights sum to 1.

        The first is the one that the trained student is asked for: `prompt` gives its beginning.
        """

    def prompt(self, source: str) -> str:
        """What the trained student is given for `source` (`Task.model_input`)."""
        return f"predict: {source}"

    def explanation(self, source: str) -> str | None:
        """What the trained student is given to say why; None, the default: it learnt no reasons apart."""
        return None

    def read(self, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
        """What the student wrote, taken apart. Default: the text is the answer itself."""
        return Draft(answer=text.strip()) if text.strip() else None

    def grammar(self, task: Task, example: Example) -> Grammar | None:
        """What the trained student may write for `example`. Default: an answer of the task, and nothing else."""
        return ConstrainedOutput.of(task).grammar(example)
