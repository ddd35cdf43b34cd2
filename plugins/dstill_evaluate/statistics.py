"""Intervals and tests: how far a figure can be believed. All of it is statsmodels' and scipy's work.

In come counts or values, out comes a `Score` with its 95 % interval and n, or p-values (the interval of a rate is
`dstill.api.metric.rate`'s):

    mean("clause_f1", [0.5, 1.0, …], templates)   →   value 0.81, low 0.74, high 0.87, n 120
    mcnemar(gained=9, lost=1)   →   0.0215
    holm([0.01, 0.04, 0.03])    →   [0.03, 0.06, 0.06]
    least_shown(131)   →   0.0595   the smallest true difference that McNemar's test would show on so many items

No interval is made for n = 0: such a score has the value None, which is printed as
"not checked" and never as 0 %.
"""

from __future__ import annotations

from typing import Sequence

from dstill.api.metric import CONFIDENCE
from dstill.api.records import Score
from dstill.errors import needs

__all__ = ["POWER", "RESAMPLES", "holm", "least_shown", "mcnemar", "mean"]

POWER = 0.8
RESAMPLES = 4_000


def mean(name: str, values: Sequence[float], clusters: Sequence[str], note: str = "", *, seed: int = 0) -> Score:
    """The mean of `values` with the interval of a seeded bootstrap that draws whole `clusters` (percentiles)."""
    if not values:
        return Score(name=name, value=None, n=0, note=note or "not checked")
    with needs("an interval", "evaluate"):
        import numpy as np
        from scipy import stats
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    sums, sizes = np.bincount(place, weights=np.asarray(values, dtype=float)), np.bincount(place)
    low = high = None
    if len(names) > 1:  # of one cluster nobody knows how another would be
        found = stats.bootstrap(
            (sums, sizes),
            lambda totals, counts, axis: totals.sum(axis=axis) / counts.sum(axis=axis),
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=RESAMPLES,
            confidence_level=CONFIDENCE,
            rng=np.random.default_rng(seed),
        ).confidence_interval
        low, high = float(found.low), float(found.high)
    return Score(name=name, value=float(np.mean(values)), n=len(values), low=low, high=high, note=note)


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact test (1947), two-sided: items that one system alone has right, and the other alone."""
    with needs("a paired test", "evaluate"):
        from statsmodels.stats.contingency_tables import mcnemar as test
    # items that both have right or wrong tell nothing, and are no part of the exact test
    return min(1.0, float(test([[0, gained], [lost, 0]], exact=True).pvalue))


def least_shown(items: int, comparisons: int = 1) -> float:
    """The smallest true difference that `mcnemar` would show on `items` with 80 % power, where nothing is lost.

    However little two systems differ otherwise, it takes six items gained for a p below 5 %, and more where Holm's
    correction is for several comparisons. 1.0 where there are not so many items.
    """
    with needs("a paired test", "evaluate"):
        from scipy import stats
    needed = next(n for n in range(1, 1_100) if 2 * 0.5**n < (1 - CONFIDENCE) / comparisons)
    return float(stats.beta.ppf(POWER, needed, items - needed + 1)) if needed <= items else 1.0


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's correction (1979) of several p-values, in their order."""
    if not ps:
        return []
    with needs("a correction", "evaluate"):
        from statsmodels.stats.multitest import multipletests
    return [float(p) for p in multipletests(ps, alpha=1 - CONFIDENCE, method="holm")[1]]
