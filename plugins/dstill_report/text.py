"""Formats scores and names for people.

    shown(score)                 →   "91.3 % [88.9, 93.2]"
    margin(score)                →   "± 2.2"
    words("silent_error_rate")   →   "Silent error rate"

A score that was not measured is shown as such, never as 0 %.
"""

from __future__ import annotations

from dstill.api.records import Score
from dstill.io import units

__all__ = ["interval", "margin", "percent", "shown", "words"]


def percent(value: float) -> str:
    """``91.3 %``. Rounding never yields 0 % or 100 %: 0.9999 is ``> 99.9 %``."""
    return f"{units.percent(value)} %"


def interval(score: Score) -> str:
    """The confidence interval in percent, ``[88.9, 93.2]``; empty if the score has none."""
    if score.low is None or score.high is None:
        return ""
    return f"[{100 * score.low:.1f}, {100 * score.high:.1f}]"


def margin(score: Score) -> str:
    """Half the width of the confidence interval, in points: ``± 2.2``; empty if the score has none."""
    if score.low is None or score.high is None:
        return ""
    return f"± {50 * (score.high - score.low):.1f}"


def shown(score: Score) -> str:
    """Rate and interval, or the reason why the score was not measured."""
    if score.value is None:
        return score.note.partition(";")[0] or "not checked"
    return f"{percent(score.value)} {interval(score)}".strip()


def words(name: str) -> str:
    """A metric's name for people: ``executable_accuracy`` → ``Executable accuracy``."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
