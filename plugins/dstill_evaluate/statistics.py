"""Intervals: how far a figure can be believed.

In come counts, out comes a `Score` with the rate, its 95 % interval and n:

    rate("executable_accuracy", 114, 114)   →   value 1.0, low 0.967, high 1.0, n 114

No interval is made for n = 0: such a score has the value None, which is printed as
"not checked" and never as 0 %.
"""

from __future__ import annotations

from dstill.errors import MissingExtra
from dstill.records import Score

__all__ = ["CONFIDENCE", "rate", "wilson"]

CONFIDENCE = 0.95


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's score interval (1927) for `hits` of `n` > 0; within [0, 1], and around the rate itself.

    Unlike the textbook interval it keeps its width at 0 % and 100 %, where good students are.
    """
    try:
        from statsmodels.stats.proportion import proportion_confint
    except ImportError as error:
        raise MissingExtra("an interval", "evaluate", error.name or "statsmodels") from error
    low, high = proportion_confint(hits, n, alpha=1 - CONFIDENCE, method="wilson")
    # At 0 and n the exact bounds are 0 and 1; floating point misses them by 1e-17.
    return (0.0 if hits == 0 else float(low), 1.0 if hits == n else float(high))


def rate(name: str, hits: int, n: int, note: str = "") -> Score:
    """`hits` of `n` as a score."""
    if not n:
        return Score(name=name, value=None, n=0, note=note or "not checked")
    low, high = wilson(hits, n)
    return Score(name=name, value=hits / n, n=n, low=low, high=high, note=note)
