"""A cut for scores of answers above which at most a given share is wrong, with a guarantee for finite samples.

    promised(scores, right, max_wrong=0.05)
    →  Promise(holds=True, cut=-0.41, max_wrong=0.05, level=0.9, n=353, wrong=6, of=392, …)

`scores` and `right` are of validation answers: the higher a score, the surer the student. This is learn-then-test
(Angelopoulos, Bates, Candès, Jordan & Lei 2021, arXiv:2110.01052) for the share of wrong answers among those that are
given. Candidate cuts keep 100 %, 90 %, 80 %, … of the validation answers. Given the cut that keeps the j best, these j
are independent draws from the answers above the cut, so the number of wrong ones is binomial, and the binomial tail
``P(Bin(j, max_wrong) ≤ wrong)`` is a valid p-value of "more than `max_wrong` of the answers above this cut are wrong".
Of g candidates one is accepted if its p-value is at most ``(1 - level) / g`` (Bonferroni's correction), so with
probability `level` over the validation rows no accepted cut breaks the promise. The cut that keeps most is taken. A cut
that could not be accepted even without a wrong answer is no candidate; that depends on the number of rows alone.

The proof needs scores that were made without looking at the labels of these rows. Log-probabilities are such scores.

Promised: on questions drawn as the validation rows were, at most `max_wrong` of the given answers are wrong. Not
promised: anything about other questions (new templates, other data), or that a single answer is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dstill.api.records import Row
from dstill.errors import UsageError

__all__ = ["LEVEL", "Promise", "promised", "require_max_wrong", "why_none"]

CUTS = 10  # candidates at most
LEVEL = 0.9


@dataclass(frozen=True, kw_only=True)
class Promise(Row):
    """A cut with its level, or the reason why there is none."""

    max_wrong: float  # share of wrong answers among those that are given, above 0 and below 1
    level: float  # probability, over the validation rows, that the promise is kept
    holds: bool  # False: no cut could be accepted, and nothing is promised
    cut: float | None = None  # only answers with a higher score are given; None: every answer, if it `holds`
    n: int = 0  # validation answers above the cut
    wrong: int = 0  # of these
    of: int  # all validation answers
    needed: int  # validation answers without a wrong one that would do

    def gives(self, score: float | None) -> bool:
        """Whether an answer with this score is given."""
        return self.holds and score is not None and (self.cut is None or score > self.cut)

    def __str__(self) -> str:
        most = f"at most {100 * self.max_wrong:g} % of the given answers are wrong"
        if self.holds:
            which = f"{self.wrong} of {self.n} above the cut were, of {self.of} validation answers"
            if self.cut is None:
                which = f"{self.wrong} of {self.of} validation answers were, so that no answer is withheld"
            return f"{most} (level {100 * self.level:g} %, for questions like the validation rows): {which}"
        return f"no cut holds for: {most}. The run has {self.of:,} validation answers: {why_none(self.of, self.needed)}"


def promised(scores: Sequence[float], right: Sequence[bool], max_wrong: float, level: float = LEVEL) -> Promise:
    """The promise that `scores` of valid validation answers and whether they are `right` allow.

    Raises UsageError unless `max_wrong` and `level` are above 0 and below 1.
    """
    require_max_wrong(max_wrong)
    _require_share(level, "level", "a level of 0 says nothing, and no sample reaches 1")
    ranked = sorted(zip(scores, right, strict=True), reverse=True)
    rows, error = len(ranked), 1 - level
    none = Promise(max_wrong=max_wrong, level=level, holds=False, of=rows, needed=_needed(max_wrong, error))
    candidates = _candidates(rows, max_wrong, error)
    for candidate in candidates:
        cut = ranked[candidate][0] if candidate < rows else None
        above = [ok for score, ok in ranked if cut is None or score > cut]
        wrong = above.count(False)
        if _binomial_tail(wrong, len(above), max_wrong) <= error / len(candidates):
            return replace(none, holds=True, cut=cut, n=len(above), wrong=wrong)
    return none


def _candidates(rows: int, max_wrong: float, error: float) -> list[int]:
    """How many rows each candidate cut keeps, the most first: as many cuts as could all be accepted."""
    sizes = [math.ceil(rows * share / CUTS) for share in range(CUTS, 0, -1)]
    fits = [g for g in range(1, CUTS + 1) if sizes[g - 1] >= _needed(max_wrong, error / g)]
    return sizes[: max(fits, default=0)]


def _needed(max_wrong: float, error: float) -> int:
    """The rows without a wrong one whose p-value is at most `error`."""
    return math.ceil(math.log(error) / math.log1p(-max_wrong))


def why_none(of: int, needed: int) -> str:
    """Why no cut on `of` validation answers holds, if `needed` ones without a wrong one would do."""
    return f"at least {needed:,} are needed, all right" if of < needed else "too many of them are wrong"


def require_max_wrong(share: float) -> None:
    """Raises UsageError for a share of wrong answers that no promise can be about."""
    _require_share(share, "--max-wrong", "0 cannot be shown by any sample, and 1 withholds nothing")


def _require_share(value: float, name: str, why: str) -> None:
    if not 0 < value < 1:
        hint = f"give a share above 0 and below 1, for example 0.05 ({why})"
        raise UsageError(f"{value:g} promises nothing", where=name, hint=hint)


def _binomial_tail(most: int, n: int, share: float) -> float:
    """``P(Bin(n, share) ≤ most)``."""
    logs = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            + k * math.log(share) + (n - k) * math.log1p(-share) for k in range(most + 1))  # fmt: skip
    return math.fsum(map(math.exp, logs))
