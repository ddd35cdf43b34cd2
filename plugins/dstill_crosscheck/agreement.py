"""One verdict from the verdicts of two engines."""

from __future__ import annotations

from dataclasses import replace

from dstill.api import Level, OutcomeKind, Verdict

__all__ = ["combined"]


def combined(first: tuple[str, Verdict], second: tuple[str, Verdict]) -> Verdict:
    """The common verdict of two engines, each given with its label; ``unsupported`` where they disagree."""
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
