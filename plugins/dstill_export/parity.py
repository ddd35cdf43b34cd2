"""The parity gate: does an exported student answer as the evaluated one did?

    compared(run, examples, [Prediction(…)], [Generation(…)], executor) → [Same(id="q1", how="text"), …]

Two answers are the same in this order of proof:

    text      letter for letter, both ended or both cut off
    result    both valid, and the exported one is right where the evaluated one is the gold: the same refusal, or the
              same result on the example's data and on the task's small corpora
    no        anything else: also two answers that are of no use in different words
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Mapping, Sequence

from dstill.api.executor import Executor
from dstill.api.records import Example, Level, Prediction, Verdict
from dstill.errors import DataError
from dstill.pipeline import steps

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["Compared", "compared", "sample"]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two answers to one question."""

    example: Example
    want: str  # what the evaluated student wrote
    got: str
    how: Literal["text", "result", "no"]
    reason: str = ""  # why they are not the same


def sample(run: Run, count: int) -> list[Example]:
    """`count` questions of the evaluated sets, or all where there are fewer: the same ones each time."""
    splits = run.settings.evaluate.splits
    examples = [record.example for split in splits for record in run.records(split)]
    if not examples:
        raise DataError(
            f"no questions to hold the export against: no rows in {', '.join(splits)}",
            where=str(run.folder / "dataset"),
            hint="an export is held against the evaluated sets (evaluate.splits)",
        )
    chosen = random.Random(run.settings.project.seed).sample(range(len(examples)), min(count, len(examples)))
    return [examples[number] for number in sorted(chosen)]


def compared(
    run: Run,
    examples: Sequence[Example],
    want: Sequence[Prediction],
    got: Sequence[Prediction],
    *,
    execute: bool = True,
) -> list[Compared]:
    """Each pair of answers, in order. The task's executor is opened where texts differ, unless `execute` is false."""
    pairs = list(zip(examples, want, got, strict=True))
    differing = [pair for pair in pairs if not _same_text(*pair[1:])]
    reasons: Mapping[str, str] = {}
    if differing:
        with run.setup.opened_executor() if execute else contextlib.nullcontext() as executor:
            reasons = _reasons(run, differing, executor)
    return [
        Compared(
            example=example,
            want=_shown(before),
            got=_shown(after),
            how="text" if example.id not in reasons else "no" if reasons[example.id] else "result",
            reason=reasons.get(example.id, ""),
        )
        for example, before, after in pairs
    ]


def _same_text(want: Prediction, got: Prediction) -> bool:
    return (want.text, want.truncated) == (got.text, got.truncated)


def _reasons(
    run: Run, pairs: Sequence[tuple[Example, Prediction, Prediction]], executor: Executor | None
) -> dict[str, str]:
    """Why each pair of other texts is not the same; empty where it is, by what its answers do."""
    reasons, golds = {}, []
    for example, want, got in pairs:
        draft = steps.draft_of(want, run.objective, run.task)
        if draft is None:
            reasons[example.id] = "the evaluated answer was cut off, or was none"
        else:
            golds.append((replace(example, answer=draft.answer), got))
    for verdict in steps.judge(run.plugins, run.task, golds, run.objective, executor):
        reasons[verdict.id] = _reason(verdict, executed=executor is not None)
    return reasons


def _reason(verdict: Verdict, *, executed: bool) -> str:
    if verdict.reached is Level.CORRECT or (not executed and verdict.reached is Level.VALID and verdict.exact):
        return ""
    if verdict.gold_error:
        return f"the evaluated answer does not run: {verdict.gold_error}"
    # the evaluated answer stands in the gold's place
    return verdict.reason.replace("the gold", "the evaluated answer") or "not shown to be the same"


def _shown(prediction: Prediction) -> str:
    return prediction.text + " (cut off at the token limit)" * prediction.truncated
