"""Objectives: which sequences a student is trained on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

from dstill.api.part import Part
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Draft, Example, Grammar, Pair, Record
from dstill.api.task import Task

__all__ = ["Objective"]


class Objective(Part, ABC):
    """Which sequences a student learns from a record, and how its answer is read from its output."""

    label_weight: float = 0.5  # weight of the answer's loss from 0 to 1, set by dstill to ``train.label_weight``
    ignores: ClassVar[frozenset[str]] = frozenset()  # keys of `Recipe` without effect here, such as "label_weight"

    @abstractmethod
    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        """The sequences of one record. They share one forward pass, and their weights sum to 1.

        The first one is what the trained student is asked to write: its prefix and source are `prompt`.
        Without any, a student does not learn the record.
        """

    def prompt(self, source: str) -> str:
        """The input of the trained student for `source`, a result of `Task.model_input`."""
        return f"predict: {source}"

    def explanation(self, source: str) -> str | None:
        """The input that asks the trained student for a rationale. None: it did not learn to write one separately."""
        return None

    def read(self, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
        """Answer and rationale of the student's output `text`; None: it has no answer. Default: `text` is the answer.

        `parse` reads a reply in the task's form (`Task.parse`).
        """
        return Draft(answer=text.strip()) if text.strip() else None

    def grammar(self, task: Task, example: Example) -> Grammar | None:
        """The grammar of the student's answer to `example` (None: anything). Default: the task's grammar of answers."""
        return ConstrainedOutput.of(task).grammar(example)
