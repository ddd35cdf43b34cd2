"""How well scores tell right answers from wrong ones: figures of selective prediction.

    answers = [ScoredAnswer(id="…", split="test", score=-0.02, confidence=0.99, valid=True, right=True), …]
    measured(answers)           →  Selective(n=530, given=528, auroc=0.97, aurc=0.0004, …)
    risk_coverage(answers)      →  [(0.0019, 0.0), (0.0038, 0.0), …]: share that is given, share of these that is wrong

Only answers whose verdict counts are measured. An answer that the checks refuse is never given, so it lowers the
coverage and is not wrong. Every valid answer may be: also a refusal, which is wrong if the data can answer.

Coverage and its area are those of Geifman & El-Yaniv (2017, arXiv:1705.08500).
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from dstill.api.records import Level, Row, Verdict

__all__ = ["RISKS", "ScoredAnswer", "Selective", "counts", "measured", "risk_coverage"]

RISKS = (0.01, 0.02, 0.05, 0.1)  # shares of wrong answers that figures are given for


@dataclass(frozen=True, kw_only=True)
class ScoredAnswer(Row):
    """The score of an answer and what came of it: a row of confidence.jsonl."""

    id: str  # of the example
    split: str
    score: float | None  # the higher, the surer (`dstill.confidence.calibration`); None: not known
    confidence: float | None  # the calibrated probability that it is right; None: not known, or not valid
    valid: bool  # the checks found no error
    right: bool | None  # None: its verdict does not count


@dataclass(frozen=True, kw_only=True)
class Selective(Row):
    """The figures of one split. None: not measured."""

    n: int  # answers whose verdict counts
    given: int  # of these, valid ones with a score
    wrong: int  # of those
    auroc: float | None  # probability that a right answer has a higher score than a wrong one
    aurc: float | None  # area under the risk–coverage curve: the mean share of wrong answers over all cuts
    coverage: tuple[tuple[float, float], ...]  # for each share of `RISKS`: the largest coverage that has no more


def counts(verdict: Verdict) -> bool:
    """Whether a verdict says if its answer is right."""
    return verdict.checked == Level.CORRECT and not verdict.gold_error and not verdict.trivial


def measured(answers: Sequence[ScoredAnswer]) -> Selective:
    """The figures of some answers."""
    n = sum(answer.right is not None for answer in answers)
    pairs = _given(answers)
    curve = risk_coverage(answers)
    return Selective(
        n=n,
        given=len(pairs),
        wrong=sum(not right for _, right in pairs),
        auroc=_auroc(pairs),
        aurc=_area(curve),
        coverage=tuple((most, max((share for share, risk in curve if risk <= most), default=0.0)) for most in RISKS),
    )


def risk_coverage(answers: Sequence[ScoredAnswer]) -> list[tuple[float, float]]:
    """Coverage and risk at each cut, the strictest first. Answers with equal scores are given together."""
    n = sum(answer.right is not None for answer in answers)
    curve, n_given, wrong = [], 0, 0
    for _, equal in groupby(sorted(_given(answers), reverse=True), key=lambda pair: pair[0]):
        results = [right for _, right in equal]
        n_given, wrong = n_given + len(results), wrong + results.count(False)
        curve.append((n_given / n, wrong / n_given))
    return curve


def _given(answers: Sequence[ScoredAnswer]) -> list[tuple[float, bool]]:
    return [(a.score, a.right) for a in answers if a.valid and a.score is not None and a.right is not None]


def _auroc(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """The area under the ROC curve as a rank statistic (Hanley & McNeil 1982): ties count half."""
    wrong = sorted(score for score, right in pairs if not right)
    good = [score for score, right in pairs if right]
    if not wrong or not good:
        return None
    above = sum(bisect.bisect_left(wrong, score) + bisect.bisect_right(wrong, score) for score in good)
    return above / (2 * len(wrong) * len(good))


def _area(curve: Sequence[tuple[float, float]]) -> float | None:
    """The mean risk, each step weighted with the answers that it adds."""
    if not curve:
        return None
    widths = [share - before for (share, _), (before, _) in zip(curve, [(0.0, 0.0), *curve], strict=False)]
    return sum(width * risk for width, (_, risk) in zip(widths, curve, strict=True)) / curve[-1][0]
