"""A cut for scores of answers above which at most a given share is wrong, with a guarantee for finite samples.

    promised(scores, right, max_wrong=0.05)
    →  Promise(holds=True, cut=-0.41, max_wrong=0.05, level=0.95, n=353, wrong=6, of=392, …)

`scores` and `right` are of judged answers to questions of people: the higher a score, the surer the student. This is
learn-then-test (Angelopoulos, Bates, Candès, Jordan & Lei 2021, arXiv:2110.01052) for the share of wrong answers among
those that are given. Given the cut that keeps the j best, these j are independent draws from the answers above the cut,
so the number of wrong ones is binomial, and the binomial tail ``P(Bin(j, max_wrong) ≤ wrong)`` is a valid p-value of
"more than `max_wrong` of the answers above this cut are wrong". Cuts are tested from the strictest on, which keeps a
third of the answers, or as many as could be accepted at all; each at ``1 - level``, until one is not accepted (fixed
sequence testing, ibid.). So the first cut that breaks the promise is accepted with at most this probability, and no
correction for the number of cuts is needed. In simulations at most 4 % of samples broke it, where 5 % may.

The proof needs scores that were made without looking at these judgements. Log-probabilities are such scores.

Promised: on questions drawn as the judged ones were, at most `max_wrong` of the given answers are wrong. Not promised:
anything about other questions (other people, other data), or that a single answer is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dstill.api.records import Row
from dstill.errors import UsageError

__all__ = ["LEVEL", "Promise", "promised", "require_max_wrong", "why_none"]

STRICTEST = 3  # the strictest cut keeps one of so many answers
STEPS = 20  # from there to the cut that keeps all
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Promise(Row):
    """A cut with its level, or the reason why there is none."""

    max_wrong: float  # share of wrong answers among those that are given, above 0 and below 1
    level: float  # probability, over the judged answers, that the promise is kept
    holds: bool  # False: no cut could be accepted, and nothing is promised
    cut: float | None = None  # only answers with a higher score are given; None: every answer, if it `holds`
    n: int = 0  # judged answers above the cut
    wrong: int = 0  # of these
    of: int  # all judged answers
    needed: int  # answers above a cut without a wrong one that would do

    def gives(self, score: float | None) -> bool:
        """Whether an answer with this score is given."""
        return self.holds and score is not None and (self.cut is None or score > self.cut)

    def __str__(self) -> str:
        most = f"at most {100 * self.max_wrong:g} % of the given answers are wrong"
        if self.holds:
            which = f"{self.wrong} of {self.n} above the cut were, of {self.of} judged answers"
            if self.cut is None:
                which = f"{self.wrong} of {self.of} judged answers were, so that no answer is withheld"
            return f"{most} (level {100 * self.level:g} %, for questions like the judged ones): {which}"
        return f"no cut holds for: {most}. {self.of:,} answers are judged: {why_none(self.of, self.needed)}"


def promised(scores: Sequence[float], right: Sequence[bool], max_wrong: float, level: float = LEVEL) -> Promise:
    """The promise that `scores` of valid judged answers and whether they are `right` allow.

    Raises UsageError unless `max_wrong` and `level` are above 0 and below 1.
    """
    require_max_wrong(max_wrong)
    _require_share(level, "level", "a level of 0 says nothing, and no sample reaches 1")
    ranked = sorted(zip(scores, right, strict=True), reverse=True)
    rows, error = len(ranked), 1 - level
    none = Promise(max_wrong=max_wrong, level=level, holds=False, of=rows, needed=_needed(max_wrong, error))
    accepted = none
    for size in _sizes(rows, none.needed):
        cut = ranked[size][0] if size < rows else None
        above = [ok for score, ok in ranked if cut is None or score > cut]
        if len(above) < none.needed:  # equal scores are given or withheld together
            continue
        wrong = above.count(False)
        if _binomial_tail(wrong, len(above), max_wrong) > error:
            break
        accepted = replace(none, holds=True, cut=cut, n=len(above), wrong=wrong)
    return accepted


def _sizes(rows: int, needed: int) -> list[int]:
    """How many answers each cut keeps, the fewest first; empty: not even all of them are enough."""
    first = max(needed, math.ceil(rows / STRICTEST))
    return sorted({first + (rows - first) * step // STEPS for step in range(STEPS + 1)}) if first <= rows else []


def _needed(max_wrong: float, error: float) -> int:
    """The rows without a wrong one whose p-value is at most `error`."""
    return math.ceil(math.log(error) / math.log1p(-max_wrong))


def why_none(of: int, needed: int) -> str:
    """Why no cut on `of` judged answers holds, if `needed` ones without a wrong one would do."""
    return f"at least {needed:,} are needed, all right" if of < needed else "too many of the surest are wrong"


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
