"""The objectives: what a student learns from a record.

    record(question, rationale, answer)
      dss              "predict: question" → answer        α · CE
                       "explain: question" → rationale     (1 − α) · CE
      label-only       "predict: question" → answer        CE
      rationale-first  "reason: question"  → rationale and answer in one text (`Task.reply_text`)

CE is the mean cross-entropy over the tokens of its branch. Distilling Step-by-Step is Hsieh et al. 2023
(arXiv 2305.02301); α (``train.label_weight``) = 1 is its label-only ablation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from dstill.api.objective import Objective
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Draft, Example, Grammar, Pair, Record

if TYPE_CHECKING:
    from dstill.api.task import Task

__all__ = ["DistillStepByStep", "LabelOnly", "RationaleFirst"]

PREDICT, EXPLAIN, REASON = "predict: ", "explain: ", "reason: "


class DistillStepByStep(Objective):
    """Rationale and answer as two tasks with the same input (Distilling Step-by-Step, Hsieh et al. 2023)."""

    name = "dss"

    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        """Label and rationale; only the label if α = 1 or the record has no rationale."""
        example = record.example
        source, weight = task.model_input(example), self.label_weight
        yield Pair(task_prefix=PREDICT, source=source, target=record.answer, weight=weight, example=example)
        if record.rationale and weight < 1:
            yield Pair(task_prefix=EXPLAIN, source=source, target=record.rationale, weight=1 - weight, example=example)

    def explanation(self, source: str) -> str | None:
        return EXPLAIN + source if self.label_weight < 1 else None


class LabelOnly(Objective):
    """The answer alone."""

    name = "label-only"
    ignores = frozenset({"label_weight"})

    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        example = record.example
        yield Pair(task_prefix=PREDICT, source=task.model_input(example), target=record.answer, example=example)


class RationaleFirst(Objective):
    """Rationale and answer in one sequence, which the student writes whenever it answers.

    Records without a rationale are left out: a student would learn to write none.
    """

    name = "rationale-first"
    ignores = frozenset({"label_weight"})

    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        if record.rationale:
            example, target = record.example, task.reply_text(record.rationale, record.answer)
            yield Pair(task_prefix=REASON, source=task.model_input(example), target=target, example=example)

    def prompt(self, source: str) -> str:
        return REASON + source

    def read(self, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
        return parse(text)

    def grammar(self, task: Task, example: Example) -> Grammar | None:
        """The task's grammar for the answer, after free text, in the frame that `Task.reply_text` writes."""
        grammar = ConstrainedOutput.of(task).grammar(example)
        if grammar is None:
            return None
        opening, between, closing = task.reply_text("\0", "\0").split("\0")
        return replace(grammar, frame=(opening, between, closing))
