"""Confidence intervals and significance tests, by statsmodels and scipy.

They take counts or values and return a `Score` (value, 95 % interval, n) or p-values. The interval of a rate is
`dstill.api.metric.rate`'s.

    mean("clause_f1", [0.5, 1.0, …], templates)   →   value 0.81, low 0.74, high 0.87, n 120
    mcnemar(gained=9, lost=1)    →   0.0215
    mcnemar_one_sided(9, 1)      →   0.0107
    holm([0.01, 0.04, 0.03])     →   [0.03, 0.06, 0.06]
    smallest_detectable(131)     →   0.0595

A score with n = 0 has no interval and the value None, which is printed as "not checked" and never as 0 %.
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.api.metric import CONFIDENCE
from dstill.api.records import Score
from dstill.errors import needs

__all__ = ["POWER", "RESAMPLES", "holm", "mcnemar", "mcnemar_one_sided", "mean", "smallest_detectable"]

POWER = 0.8
RESAMPLES = 4_000


def mean(name: str, values: Sequence[float], clusters: Sequence[str], note: str = "", *, seed: int = 0) -> Score:
    """The mean of `values` with the percentile interval of a seeded bootstrap that resamples whole clusters.

    Args:
        name: Of the score.
        values: One value per item.
        clusters: The cluster of each item. With one cluster the score has no interval.
        note: Of the score.
        seed: Of the resampling.
    """
    if not values:
        return Score(name=name, value=None, n=0, note=note or "not checked")
    with needs("an interval", "evaluate"):
        import numpy as np
        from scipy import stats
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums, sizes = np.bincount(cluster, weights=np.asarray(values, dtype=float)), np.bincount(cluster)
    low = high = None
    if len(names) > 1:
        interval = stats.bootstrap(
            (sums, sizes),
            lambda totals, counts, axis: totals.sum(axis=axis) / counts.sum(axis=axis),
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=RESAMPLES,
            confidence_level=CONFIDENCE,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        low, high = float(interval.low), float(interval.high)
    return Score(name=name, value=float(np.mean(values)), n=len(values), low=low, high=high, note=note)


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p-value of McNemar's exact test (McNemar 1947).

    Items that both systems have right, or both wrong, do not enter the exact test.

    Args:
        gained: Items that only one system has right.
        lost: Items that only the other has right.
    """
    with needs("a paired test", "evaluate"):
        from statsmodels.stats.contingency_tables import mcnemar as test
    return min(1.0, float(test([[0, gained], [lost, 0]], exact=True).pvalue))


def mcnemar_one_sided(gained: int, lost: int) -> float:
    """The one-sided p-value of McNemar's exact test: that so many or more are gained although none is better.

    Given the `gained` + `lost` items that only one system has right, it is the sign test: P(X >= `gained`) of the
    binomial distribution with p = 1/2. 1.0 if there is no such item.
    """
    with needs("a paired test", "evaluate"):
        from scipy import stats
    return float(stats.binomtest(gained, gained + lost, alternative="greater").pvalue) if gained + lost else 1.0


def smallest_detectable(items: int, comparisons: int = 1) -> float:
    """The smallest true difference that `mcnemar` would show on `items` with 80 % power if no item is lost.

    The exact test needs at least six items gained for p < 5 %, and more after Holm's correction for several
    `comparisons`. 1.0 if there are fewer items than that.
    """
    with needs("a paired test", "evaluate"):
        from scipy import stats
    needed = next(n for n in range(1, 1_100) if 2 * 0.5**n < (1 - CONFIDENCE) / comparisons)
    return float(stats.beta.ppf(POWER, needed, items - needed + 1)) if needed <= items else 1.0


def holm(ps: Sequence[float]) -> list[float]:
    """p-values after Holm's step-down correction (Holm 1979), in the same order."""
    if not ps:
        return []
    with needs("a correction", "evaluate"):
        from statsmodels.stats.multitest import multipletests
    return [float(p) for p in multipletests(ps, alpha=1 - CONFIDENCE, method="holm")[1]]
