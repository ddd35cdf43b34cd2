"""One verdict from the verdicts of two engines."""

from __future__ import annotations

from dataclasses import replace

from dstill.api import Level, OutcomeKind, Verdict

__all__ = ["combined"]


def combined(first: tuple[str, Verdict], second: tuple[str, Verdict]) -> Verdict:
    """The common verdict of two engines, each given with its label; ``unsupported`` if they disagree."""
    for label, verdict in (first, second):  # if one engine could not judge the answer, the pair cannot
        if verdict.gold_error:
            return replace(verdict, gold_error=f"{verdict.gold_error} (on {label})")
        if verdict.outcome in (OutcomeKind.UNAVAILABLE, OutcomeKind.UNSUPPORTED):
            return replace(verdict, reason=f"{verdict.reason} (on {label})")
    own, other = first[1], second[1]
    if own.reached == other.reached and own.trivial == other.trivial:
        return own
    both = f"{_finding(*first)}; {_finding(*second)}"
    lower = min(own, other, key=lambda verdict: verdict.reached)
    if own.trivial == other.trivial and own.checked == Level.CORRECT and not (own.correct or other.correct):
        return replace(lower, reason=both)  # wrong on both, in different ways
    return replace(
        lower,
        reached=min(lower.reached, Level.VALID),
        checked=Level.VALID,
        outcome=OutcomeKind.UNSUPPORTED,
        reason=f"the engines disagree: {both}",
        trivial=False,
        result_diff=own.result_diff or other.result_diff,
    )


def _finding(label: str, verdict: Verdict) -> str:
    executed = "wrong" if verdict.checked == Level.CORRECT else "runs"
    word = {Level.CORRECT: "right", Level.EXECUTED: executed}.get(verdict.reached, "refused")
    trivial = ", and the reference's result is trivial" if verdict.trivial else ""
    return f"{label} says {word}{f' ({verdict.reason})' if verdict.reason else ''}{trivial}"
