"""Two systems on the same items: how far apart they are, and whether that can be told from chance.

    paired(a, b, clusters)  →  Paired(difference=0.031, low=0.004, high=0.058, p=0.021, detectable=0.039, …)

`a` and `b` hold a row an item and a column a seed (a training of the same recipe), 1 where the answer
was right. Items of one template succeed and fail together, so the interval resamples templates, and
seeds with them: a bootstrap over both (percentiles, 95 %). The test flips the sign of whole templates'
differences (a paired permutation test, two-sided). From a few seeds a bootstrap sees too little of how much
seeds differ, so that has a test of its own: Student's t over the seeds' differences. `detectable` is the
smallest true difference that this many items and seeds would show with 80 % power at 5 %: 2.8 times the
bootstrap's deviation, and no less than the t-test needs.
Items of one cluster alone tell nothing of another: the interval is then [-1, 1].
Not covered: several comparisons at once (`statistics.holm` is the caller's).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Sequence

from dstill.api.metric import CONFIDENCE
from dstill.errors import needs
from dstill_evaluate.statistics import POWER, RESAMPLES

__all__ = ["Paired", "paired"]

AT_ONCE = 500  # resamples: bounds the counts that are held to 500 x clusters


@dataclass(frozen=True, kw_only=True)
class Paired:
    """a − b, in shares of right answers."""

    difference: float
    low: float  # 95 % interval
    high: float
    p: float  # of the permutation test; 1.0 where no item differs
    p_value_across_seeds: float | None  # of the t-test over seeds; None: there is one
    detectable: float
    items: int
    clusters: int
    seeds: int
    gained: int  # items that a has right more often than b, over the seeds
    lost: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    def to_row(self) -> dict[str, Any]:
        return {**asdict(self), "excludes_zero": self.excludes_zero}


def paired(
    a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], clusters: Sequence[str], *, seed: int = 0
) -> Paired:
    """`a`, `b`: items × seeds, the same items in the same order; `clusters`: a name an item. ValueError when empty."""
    with needs("a paired test", "evaluate"):
        import numpy as np
        from scipy import stats
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.ndim != 2 or first.shape != second.shape or len(first) != len(clusters) or not first.size:
        raise ValueError(f"items × seeds of {first.shape} and {second.shape}, {len(clusters)} clusters")
    difference = first - second
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    # per cluster: the sum of differences of each seed, and the number of items
    sums = np.zeros((len(names), difference.shape[1]))
    np.add.at(sums, place, difference)
    sizes = np.bincount(place, minlength=len(names))
    # Drawing clusters and seeds anew is giving each a count: both are matrix products then.
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(RESAMPLES // AT_ONCE):
        clusters_drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=AT_ONCE)
        columns = difference.shape[1]
        seeds_drawn = random.multinomial(columns, np.full(columns, 1 / columns), size=AT_ONCE)
        totals = ((clusters_drawn @ sums) * seeds_drawn).sum(axis=1) / columns
        parts.append(totals / (clusters_drawn @ sizes))
    means = np.concatenate(parts)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    deviations = stats.norm.ppf(1 - tail) + stats.norm.ppf(POWER)
    detectable = float(deviations * means.std(ddof=1))
    if len(names) == 1 and difference.any():  # of one cluster nobody knows how another would have moved
        low, high, detectable = -1.0, 1.0, 1.0
    p_seeds, count = None, difference.shape[1]
    if count > 1:
        by_seed = difference.mean(axis=0)
        deviation = float(by_seed.std(ddof=1)) / count**0.5
        if deviation:
            p_seeds = 2 * float(stats.t.sf(abs(by_seed.mean()) / deviation, count - 1))
        else:  # every seed says the same
            p_seeds = 0.0 if by_seed[0] else 1.0
        needed = (stats.t.ppf(1 - tail, count - 1) + stats.t.ppf(POWER, count - 1)) * deviation
        detectable = min(1.0, max(detectable, float(needed)))
    by_item = difference.mean(axis=1)
    by_cluster = sums.mean(axis=1)
    moved = by_cluster[by_cluster != 0]
    p = 1.0
    if len(moved) > 1:  # a single one could as well have moved the other way
        p = float(
            stats.permutation_test(
                (moved,), np.sum, permutation_type="samples", n_resamples=RESAMPLES, rng=np.random.default_rng(seed)
            ).pvalue
        )
    return Paired(
        difference=float(difference.mean()),
        low=float(low),
        high=float(high),
        p=p,
        p_value_across_seeds=p_seeds,
        detectable=detectable,
        items=len(first),
        clusters=len(names),
        seeds=count,
        gained=int((by_item > 0).sum()),
        lost=int((by_item < 0).sum()),
    )
