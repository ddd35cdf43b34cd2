"""Two systems on the same items: how far apart they are, and whether that is more than chance.

    paired(a, b, clusters)  →  Paired(difference=0.031, low=0.004, high=0.058, p=0.021, detectable=0.039, …)

`a` and `b` are ``[items, seeds]``: one row per item and one column per seed (a training of the same recipe), 1 if the
answer was right.

- **Interval**: questions of one template succeed and fail together, so a bootstrap resamples whole templates (clusters)
  and, independently, seeds: the pigeonhole bootstrap (Owen 2007), 95 % percentile interval.
- **p**: a two-sided paired permutation test that flips the sign of whole templates' differences.
- **p_value_across_seeds**: a bootstrap over a few seeds underestimates how much seeds differ, so Student's t-test over
  the seeds' differences is run too.
- **detectable**: the smallest true difference that this many items and seeds would show with 80 % power at the 5 %
  level: 2.8 standard errors (Bloom 1995), and no less than the t-test needs.

One cluster alone says nothing about others: the interval is then [-1, 1].

Not covered: several comparisons at once; the caller corrects with `statistics.holm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dstill.api.metric import CONFIDENCE
from dstill.errors import needs
from dstill_evaluate.statistics import POWER, RESAMPLES

__all__ = ["Paired", "paired"]

CHUNK = 500  # resamples drawn at once: bounds memory to 500 x clusters counts
TAIL = (1 - CONFIDENCE) / 2


@dataclass(frozen=True, kw_only=True)
class Paired:
    """a − b, as shares of right answers."""

    difference: float
    low: float  # 95 % interval
    high: float
    p: float  # of the permutation test; 1.0 if no item differs
    p_value_across_seeds: float | None  # of the t-test over seeds; None with one seed
    detectable: float
    items: int
    clusters: int
    seeds: int
    gained: int  # items that a has right in more seeds than b
    lost: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def to_row(self) -> dict[str, Any]:
        return {**asdict(self), "excludes_zero": self.excludes_zero}


def paired(
    a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], clusters: Sequence[str], *, seed: int = 0
) -> Paired:
    """Compare two systems on the same items, in the same order.

    Args:
        a: ``[items, seeds]``, 1 if the answer was right.
        b: The same for the other system.
        clusters: The cluster (template) of each item.
        seed: Of the resampling.

    Raises:
        ValueError: The shapes differ, or there are no items.
    """
    with needs("a paired test", "evaluate"):
        import numpy as np
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.ndim != 2 or first.shape != second.shape or len(first) != len(clusters) or not first.size:
        raise ValueError(f"items × seeds of {first.shape} and {second.shape}, {len(clusters)} clusters")
    difference = first - second
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((len(names), difference.shape[1]))  # [clusters, seeds]
    np.add.at(sums, cluster, difference)
    sizes = np.bincount(cluster, minlength=len(names))
    low, high, detectable = -1.0, 1.0, 1.0
    if len(names) > 1 or not difference.any():
        low, high, detectable = _bootstrap(sums, sizes, seed)
    p_seeds = None
    if difference.shape[1] > 1:
        p_seeds, needed = _t_test(difference.mean(axis=0))
        detectable = min(1.0, max(detectable, needed))
    by_item = difference.mean(axis=1)
    return Paired(
        difference=float(difference.mean()),
        low=low,
        high=high,
        p=_permutation_test(sums.mean(axis=1), seed),
        p_value_across_seeds=p_seeds,
        detectable=detectable,
        items=len(first),
        clusters=len(names),
        seeds=difference.shape[1],
        gained=int((by_item > 0).sum()),
        lost=int((by_item < 0).sum()),
    )


def _bootstrap(sums: Any, sizes: Any, seed: int) -> tuple[float, float, float]:
    """The bounds of the interval, and the smallest detectable difference.

    Resampling clusters and seeds with replacement gives each of them a count, so a resample is two matrix products.

    Args:
        sums: Differences summed over the items of a cluster, ``[clusters, seeds]``.
        sizes: Items per cluster, ``[clusters]``.
        seed: Of the resampling.
    """
    with needs("a paired test", "evaluate"):
        import numpy as np
        from scipy import stats
    (clusters, seeds), random, chunks = sums.shape, np.random.default_rng(seed), []
    for _ in range(RESAMPLES // CHUNK):
        cluster_counts = random.multinomial(clusters, np.full(clusters, 1 / clusters), size=CHUNK)
        seed_counts = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=CHUNK)
        totals = ((cluster_counts @ sums) * seed_counts).sum(axis=1) / seeds
        chunks.append(totals / (cluster_counts @ sizes))
    means = np.concatenate(chunks)
    low, high = np.quantile(means, [TAIL, 1 - TAIL])
    standard_errors = stats.norm.ppf(1 - TAIL) + stats.norm.ppf(POWER)
    return float(low), float(high), float(standard_errors * means.std(ddof=1))


def _t_test(by_seed: Any) -> tuple[float, float]:
    """The two-sided p-value of Student's t-test, and the difference that it would detect with 80 % power.

    Args:
        by_seed: The difference of each seed, ``[seeds]``.
    """
    with needs("a paired test", "evaluate"):
        from scipy import stats
    seeds = len(by_seed)
    error = float(by_seed.std(ddof=1)) / seeds**0.5
    if not error:  # all seeds have the same difference
        return (0.0 if by_seed[0] else 1.0), 0.0
    p = 2 * float(stats.t.sf(abs(by_seed.mean()) / error, seeds - 1))
    return p, float((stats.t.ppf(1 - TAIL, seeds - 1) + stats.t.ppf(POWER, seeds - 1)) * error)


def _permutation_test(by_cluster: Any, seed: int) -> float:
    """The two-sided p-value of flipping the signs of clusters' differences."""
    with needs("a paired test", "evaluate"):
        import numpy as np
        from scipy import stats
    nonzero = by_cluster[by_cluster != 0]
    if len(nonzero) < 2:  # a single one could as well have the other sign
        return 1.0
    return float(
        stats.permutation_test(
            (nonzero,), np.sum, permutation_type="samples", n_resamples=RESAMPLES, rng=np.random.default_rng(seed)
        ).pvalue
    )
