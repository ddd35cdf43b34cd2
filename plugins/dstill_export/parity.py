"""The parity check: does an exported student give the same answers as the evaluated one?

    compare(run, examples, [Prediction(…)], [Prediction(…)]) → [Comparison(same_by="text", …), …]

Two answers are the same by

    text      if their texts are equal, and both or neither are truncated,
    result    if both are valid, and the exported one is correct with the evaluated one as the gold: the same refusal,
              or the same result on the example's data and on the task's test databases;
    no        otherwise, which includes two different invalid answers.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dstill.answering import steps
from dstill.api.executor import Executor
from dstill.api.records import Example, Level, Prediction, Verdict
from dstill.errors import AnswerError, DataError

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["Comparison", "ParityError", "compare", "sample"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The answers of the evaluated and the exported student to one question."""

    example: Example
    evaluated: str
    exported: str
    same_by: Literal["text", "result", "no"]
    reason: str = ""  # why they are not the same


class ParityError(AnswerError):
    """Too many answers of the exported student differ from the evaluated ones."""

    def __init__(self, differing: Sequence[Comparison], *, what: str, where: str, hint: str) -> None:
        super().__init__(what, where=where, hint=hint)
        self.differing = differing


def sample(run: Run, count: int, splits: Sequence[str] = ()) -> list[Example]:
    """`count` questions of these splits, or all if there are fewer; the same ones each time. No split: the evaluated.

    Raises DataError if there are none.
    """
    splits = splits or run.settings.evaluate.splits
    examples = [record.example for split in splits for record in run.records(split)]
    if not examples:
        raise DataError(
            f"no questions to compare answers on: no rows in {', '.join(splits)}",
            where=str(run.folder / "dataset"),
            hint="the questions come from the evaluated splits (evaluate.splits)",
        )
    chosen = random.Random(run.settings.project.seed).sample(range(len(examples)), min(count, len(examples)))
    return [examples[number] for number in sorted(chosen)]


def compare(
    run: Run,
    examples: Sequence[Example],
    evaluated: Sequence[Prediction],
    exported: Sequence[Prediction],
    *,
    execute: bool = True,
) -> list[Comparison]:
    """Compare each pair of answers. Answers with different texts are executed, unless `execute` is false."""
    pairs = list(zip(examples, evaluated, exported, strict=True))
    differing = [pair for pair in pairs if not _same_text(*pair[1:])]
    reasons: Mapping[str, str] = {}
    if differing:
        with run.setup.opened_executor() if execute else contextlib.nullcontext() as executor:
            reasons = _reasons(run, differing, executor)
    return [
        Comparison(
            example=example,
            evaluated=_text(before),
            exported=_text(after),
            same_by="text" if example.id not in reasons else "no" if reasons[example.id] else "result",
            reason=reasons.get(example.id, ""),
        )
        for example, before, after in pairs
    ]


def _same_text(evaluated: Prediction, exported: Prediction) -> bool:
    return (evaluated.text, evaluated.truncated) == (exported.text, exported.truncated)


def _reasons(
    run: Run, pairs: Sequence[tuple[Example, Prediction, Prediction]], executor: Executor | None
) -> dict[str, str]:
    """Question id → why the two answers differ; empty if their results are the same."""
    reasons, to_judge = {}, []
    for example, evaluated, exported in pairs:
        draft = steps.draft_of(evaluated, run.objective, run.task)
        if draft is None:
            reasons[example.id] = "the evaluated answer is truncated or unparsable"
        else:
            to_judge.append((replace(example, answer=draft.answer), exported))
    for verdict in steps.judge(run.plugins, run.task, to_judge, run.objective, executor):
        reasons[verdict.id] = _reason(verdict, executed=executor is not None)
    return reasons


def _reason(verdict: Verdict, *, executed: bool) -> str:
    if verdict.reached is Level.CORRECT or (not executed and verdict.reached is Level.VALID and verdict.exact):
        return ""
    if verdict.gold_error:
        return f"the evaluated answer fails: {verdict.gold_error}"
    # the reference of this verdict is the evaluated answer
    return verdict.reason.replace("the reference", "the evaluated answer") or "not proven to be the same"


def _text(prediction: Prediction) -> str:
    return prediction.text + " (cut off at the token limit)" * prediction.truncated
