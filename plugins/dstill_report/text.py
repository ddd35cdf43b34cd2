"""Figures made readable.

    shown(score)            →   "91.3 % [88.9, 93.2]"
    words("silent_error_rate")   →   "Silent error rate"

What was not measured is said so, and never becomes 0 %.
"""

from __future__ import annotations

from dstill.api.records import Score
from dstill.io import units

__all__ = ["interval", "percent", "shown", "words"]


def percent(value: float) -> str:
    """``91.3 %``; 100 % and 0 % only where that is so."""
    return f"{units.percent(value)} %"


def interval(score: Score) -> str:
    """``[88.9, 93.2]``, in percent; empty where there is none."""
    if score.low is None or score.high is None:
        return ""
    return f"[{100 * score.low:.1f}, {100 * score.high:.1f}]"


def shown(score: Score) -> str:
    """Rate and interval, or why there is none; never 0 % for what was not measured."""
    if score.value is None:
        return score.note.partition(";")[0] or "not checked"
    return f"{percent(score.value)} {interval(score)}".strip()


def words(name: str) -> str:
    """A name for people: ``executable_accuracy`` → ``Executable accuracy``."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
