"""The interval of a rate: known values, symmetry, and agreement with statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.metric import rate, wilson


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_matches_statsmodels(counts: tuple[int, int]) -> None:
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(*counts) == pytest.approx(proportion_confint(*counts, method="wilson"), abs=1e-12)


def test_empty_count_is_none() -> None:
    assert rate("valid", 0, 0).value is None
