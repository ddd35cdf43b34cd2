"""Metrics: numbers computed from verdicts, and the confidence interval of a rate.

>>> score = rate("executable_accuracy", 114, 114)
>>> score.value, round(score.low, 3), score.high, score.n
(1.0, 0.967, 1.0, 114)
>>> rate("valid", 0, 0).value is None
True
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import sqrt
from typing import ClassVar

from dstill.api.part import Part
from dstill.api.records import (
    Score,
    Verdict,
)

__all__ = ["CONFIDENCE", "Metric", "rate", "wilson"]

CONFIDENCE = 0.95


class Metric(Part, ABC):
    """Computes one number from the verdicts of a split."""

    headline: ClassVar[bool] = False  # True for the one metric that tables, comparisons and sentences are about
    summary: ClassVar[bool] = False  # True: part of the summary of ``evaluate --json``
    wording: ClassVar[str] = ""  # how a sentence about its values starts: "Wrong without an error"

    @abstractmethod
    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        """The score with its interval. ``value`` is None if no verdict was checked far enough."""


def rate(name: str, hits: int, n: int, note: str = "") -> Score:
    """`hits` of `n` as a score with its interval. With n = 0 the value is None, not 0."""
    if not n:
        return Score(name=name, value=None, n=0, note=note or "not checked")
    low, high = wilson(hits, n)
    return Score(name=name, value=hits / n, n=n, low=low, high=high, note=note)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's score interval (1927) at 95 % for `hits` of `n` > 0. It lies within [0, 1] and contains the rate.

    Unlike the normal approximation it does not shrink to nothing at 0 % and 100 %, where good students are.
    """
    from statistics import NormalDist  # imported here because every command imports this module

    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, squared = hits / n, z * z / n
    middle, half = share + squared / 2, z * sqrt((share * (1 - share) + squared / 4) / n)
    # At 0 and n the exact bounds are 0 and 1; floating point misses them by 1e-17.
    low = 0.0 if hits == 0 else (middle - half) / (1 + squared)
    high = 1.0 if hits == n else (middle + half) / (1 + squared)
    return low, high
