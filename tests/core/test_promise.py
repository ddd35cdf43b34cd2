"""The cut that keeps a promise: on rows of known truth, over many draws, and where it cannot be given."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import pytest
from scipy import stats

from dstill.confidence.promise import LEVEL, Promise, promised
from dstill.errors import UsageError

RESPLITS = 200
ROWS = 1_000


def chance(score: float) -> float:
    """How often an answer with this score is right: never surely, and seldom at the lower end."""
    return 0.998 / (1 + math.exp(-(6 + 3 * score)))


@cache
def drawn(seed: int, count: int = ROWS) -> tuple[list[float], list[bool]]:
    draw = random.Random(seed)
    scores = [-4 * draw.random() ** 2 for _ in range(count)]
    return scores, [draw.random() < chance(score) for score in scores]


MIDPOINTS = 4_000
RIGHT = list(accumulate(chance(-4 * ((n + 0.5) / MIDPOINTS) ** 2) for n in range(MIDPOINTS)))


def risk(cut: float | None) -> float:
    """The true share of wrong answers above the cut, by the midpoint rule over the distribution of scores."""
    above = MIDPOINTS if cut is None else max(1, round(MIDPOINTS * math.sqrt(-cut / 4)))
    return 1 - RIGHT[above - 1] / above


def naive(scores: Sequence[float], right: Sequence[bool], most: float) -> float | None:
    """The cut that keeps most of these rows with no more wrong ones than that: no guarantee."""
    best, wrong = None, 0
    for given, (score, ok) in enumerate(sorted(zip(scores, right, strict=True), reverse=True), 1):
        wrong += not ok
        if wrong / given <= most:
            best = score
    return best


def broken(cuts: Sequence[float | None], most: float) -> float:
    return sum(risk(cut) > most for cut in cuts) / len(cuts)


@pytest.mark.parametrize("most", [0.02, 0.05, 0.1])
def test_promise_is_kept_at_its_level_over_many_resplits(most: float) -> None:
    found = [promised(*drawn(seed), most) for seed in range(RESPLITS)]
    held = [one for one in found if one.holds]
    assert len(held) > RESPLITS / 4
    assert sum(risk(one.cut) > most for one in held) / RESPLITS <= 1 - LEVEL


def test_cut_without_a_guarantee_breaks_the_same_promise() -> None:
    cuts = [cut for seed in range(RESPLITS) if (cut := naive(*drawn(seed), 0.05)) is not None]
    assert broken(cuts, 0.05) > 2 * (1 - LEVEL)  # what the test above would notice


def test_promise_is_not_bought_with_silence() -> None:
    best = max(share / 100 for share in range(1, 101) if risk(-4 * (share / 100) ** 2) <= 0.05)
    given = [promised(*drawn(seed), 0.05).n / ROWS for seed in range(50)]
    assert sum(given) / len(given) > best - 0.2


def test_all_right_gives_every_answer() -> None:
    found = promised([-1.0] * 59, [True] * 59, 0.05)
    assert (found.holds, found.cut, found.n, found.wrong, found.needed) == (True, None, 59, 0, 59)
    assert found.gives(-100.0)
    assert not found.gives(None)


def test_too_few_rows_promise_nothing_and_say_how_many_are_needed() -> None:
    found = promised([-1.0] * 58, [True] * 58, 0.05)
    assert (found.holds, found.needed) == (False, 59)
    assert not found.gives(0.0)
    assert str(found) == (
        "no cut holds for: at most 5 % of the given answers are wrong. "
        "58 answers are judged: at least 59 are needed, all right"
    )
    assert str(promised([-1.0] * 60, [False] * 60, 0.05)).endswith(
        "60 answers are judged: too many of the surest are wrong"
    )


def test_no_rows_promise_nothing() -> None:
    assert not promised([], [], 0.5).holds


def test_answers_with_the_same_score_are_given_or_withheld_together() -> None:
    scores, right = [-1.0] * 200 + [-2.0] * 200, [True] * 200 + [False] * 200
    found = promised(scores, right, 0.1)
    assert (found.cut, found.n, found.wrong) == (-2.0, 200, 0)
    assert (found.gives(-1.0), found.gives(-2.0)) == (True, False)


def test_each_cut_is_tested_at_the_whole_level() -> None:
    n, most = 2_000, 0.05
    allowed = max(k for k in range(n) if stats.binom.cdf(k, n, most) <= 1 - LEVEL)
    for wrong, holds in ((allowed, True), (allowed + 1, False)):
        found = promised([-1.0] * n, [False] * wrong + [True] * (n - wrong), most)
        assert (found.holds, wrong) == (holds, wrong)


def test_no_cut_is_tested_after_one_that_breaks_the_promise() -> None:
    """The surest third is wrong, so what comes after it does not count, however good the whole would be."""
    scores = [-n / 10 for n in range(300)]
    right = [n >= 100 or n % 2 == 0 for n in range(300)]
    assert not promised(scores, right, 0.3).holds
    assert promised(scores, right[::-1], 0.3).holds


@pytest.mark.parametrize("most", [0.1, 0.2, 0.3])
def test_sixty_judgements_keep_a_promise_at_its_level(most: float) -> None:
    held = [found for seed in range(500) if (found := promised(*drawn(seed, 60), most)).holds]
    assert len(held) > 250
    assert sum(risk(found.cut) > most for found in held) / 500 <= 1 - LEVEL


@pytest.mark.parametrize("most", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_shares_that_promise_nothing_are_refused(most: float) -> None:
    with pytest.raises(UsageError, match="promises nothing"):
        promised([-1.0], [True], most)


def test_promise_is_a_row() -> None:
    found = promised(*drawn(0), 0.1)
    assert Promise.from_row(found.to_row()) == found
