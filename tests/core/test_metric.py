"""The interval of a rate: known values, symmetry, and agreement with statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.metric import rate, wilson


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_narrows_with_n_and_is_symmetric(counts: tuple[int, int]) -> None:
    hits, n = counts
    low, high = wilson(hits, n)
    wide_low, wide_high = wilson(n - hits, n)
    assert low == pytest.approx(1 - wide_high, abs=1e-12)
    assert high == pytest.approx(1 - wide_low, abs=1e-12)
    more_low, more_high = wilson(4 * hits, 4 * n)
    assert more_high - more_low < high - low


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_matches_statsmodels(counts: tuple[int, int]) -> None:
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(*counts) == pytest.approx(proportion_confint(*counts, method="wilson"), abs=1e-12)


def test_empty_count_is_none() -> None:
    assert rate("valid", 0, 0).value is None
