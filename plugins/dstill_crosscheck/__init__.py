"""Judges answers on two engines: an answer is right only if both say so (``evaluate.second_executor``).

    dstill evaluate RUN --engine-url http://localhost:9200 --set evaluate.second_executor=http

Each engine gives the verdict that it would give alone (`dstill.api.judge`): answer, reference and test databases run on
both. If only one of them says right, the answer is not judged: the verdict's outcome is ``unsupported``, and its reason
quotes both engines.

Not covered: two engines that are wrong in the same way.
"""

from __future__ import annotations

from dataclasses import replace

from dstill import hookimpl
from dstill.api import Draft, Example, Executor, Level, OutcomeKind, Task, Verdict, judge

__all__ = ["judge_answer"]


@hookimpl
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict | None:
    """The verdict of both engines; None if no second engine is set."""
    if executor is None or executor.second is None:
        return None
    return _combined(*((engine.label, judge(task, example, draft, engine)) for engine in (executor, executor.second)))


def _combined(first: tuple[str, Verdict], second: tuple[str, Verdict]) -> Verdict:
    for label, verdict in (first, second):  # if one engine could not judge the answer, the pair cannot
        if verdict.gold_error:
            return replace(verdict, gold_error=f"{verdict.gold_error} (on {label})")
        if verdict.outcome in (OutcomeKind.UNAVAILABLE, OutcomeKind.UNSUPPORTED):
            return replace(verdict, reason=f"{verdict.reason} (on {label})")
    one, other = first[1], second[1]
    if one.reached == other.reached and one.trivial == other.trivial:
        return one
    both = f"{_finding(*first)}; {_finding(*second)}"
    lower = min(one, other, key=lambda verdict: verdict.reached)
    if one.trivial == other.trivial and one.checked == Level.CORRECT and not (one.correct or other.correct):
        return replace(lower, reason=both)  # wrong on both, in different ways
    return replace(
        lower,
        reached=min(lower.reached, Level.VALID),
        checked=Level.VALID,
        outcome=OutcomeKind.UNSUPPORTED,
        reason=f"the engines disagree: {both}",
        trivial=False,
        result_diff=one.result_diff or other.result_diff,
    )


def _finding(label: str, verdict: Verdict) -> str:
    executed = "wrong" if verdict.checked == Level.CORRECT else "runs"
    word = {Level.CORRECT: "right", Level.EXECUTED: executed}.get(verdict.reached, "refused")
    trivial = ", and the reference's result is trivial" if verdict.trivial else ""
    return f"{label} says {word}{f' ({verdict.reason})' if verdict.reason else ''}{trivial}"
