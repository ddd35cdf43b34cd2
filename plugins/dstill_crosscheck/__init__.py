"""Judges answers on two engines: an answer is right only where both say so (``evaluate.second_executor``).

    dstill evaluate RUN --engine-url http://localhost:9200 --set evaluate.second_executor=http

Each engine gives the verdict that it would give alone (`dstill.api.judge`): answer, reference and test databases run on
both. Where one says right and the other does not, the answer is not judged: the verdict's outcome is ``unsupported``,
and its reason says what each engine said.

Not covered: two engines that are wrong in the same way.
"""

from __future__ import annotations

from dataclasses import replace

from dstill import hookimpl
from dstill.api import Draft, Example, Executor, Level, OutcomeKind, Task, Verdict, judge

__all__ = ["judge_answer"]


@hookimpl
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict | None:
    """The verdict of both engines; None where there is no second one."""
    if executor is None or executor.second is None:
        return None
    return _combined(*((one.label, judge(task, example, draft, one)) for one in (executor, executor.second)))


def _combined(first: tuple[str, Verdict], second: tuple[str, Verdict]) -> Verdict:
    for label, verdict in (first, second):  # what one of them could not judge at all, two cannot either
        if verdict.gold_error:
            return replace(verdict, gold_error=f"{verdict.gold_error} (on {label})")
        if verdict.outcome in (OutcomeKind.UNAVAILABLE, OutcomeKind.UNSUPPORTED):
            return replace(verdict, reason=f"{verdict.reason} (on {label})")
    one, other = first[1], second[1]
    if one.reached == other.reached and one.trivial == other.trivial:
        return one
    said = f"{_said(*first)}; {_said(*second)}"
    lower = min(one, other, key=lambda verdict: verdict.reached)
    if one.trivial == other.trivial and one.checked == Level.CORRECT and not (one.correct or other.correct):
        return replace(lower, reason=said)  # wrong on both, in different ways
    return replace(
        lower,
        reached=min(lower.reached, Level.VALID),
        checked=Level.VALID,
        outcome=OutcomeKind.UNSUPPORTED,
        reason=f"the engines disagree: {said}",
        trivial=False,
        result_diff=one.result_diff or other.result_diff,
    )


def _said(label: str, verdict: Verdict) -> str:
    ran = "wrong" if verdict.checked == Level.CORRECT else "runs"
    found = {Level.CORRECT: "right", Level.EXECUTED: ran}.get(verdict.reached, "refused")
    vacuous = ", and the reference's result tells nothing" if verdict.trivial else ""
    return f"{label} says {found}{f' ({verdict.reason})' if verdict.reason else ''}{vacuous}"
