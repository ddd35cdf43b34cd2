from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.errors import MissingExtra
from dstill_evaluate.statistics import POWER, least_shown, mcnemar, rate, wilson


def test_wilson_as_in_the_textbook() -> None:
    assert wilson(114, 114) == (pytest.approx(0.96740, abs=1e-5), 1.0)
    assert wilson(0, 10) == (0.0, pytest.approx(0.27753, abs=1e-5))
    assert wilson(81, 263) == (pytest.approx(0.25528, abs=1e-4), pytest.approx(0.36622, abs=1e-4))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_narrows_with_n_and_mirrors(counts: tuple[int, int]) -> None:
    hits, n = counts
    low, high = wilson(hits, n)
    wide_low, wide_high = wilson(n - hits, n)
    assert low == pytest.approx(1 - wide_high, abs=1e-12)
    assert high == pytest.approx(1 - wide_low, abs=1e-12)
    more_low, more_high = wilson(4 * hits, 4 * n)
    assert more_high - more_low < high - low


def test_nothing_counted_is_not_zero() -> None:
    assert rate("valid", 0, 0).value is None


def test_without_statsmodels_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.stats.proportion", None)
    with pytest.raises(MissingExtra, match="'evaluate'") as error:
        wilson(1, 2)
    assert error.value.hint == "pip install 'dstill[evaluate]'"


@pytest.mark.parametrize(("comparisons", "gained"), [(1, 6), (3, 7)])
def test_what_would_show_is_what_the_exact_test_can_tell(comparisons: int, gained: int) -> None:
    from scipy import stats

    assert mcnemar(gained, 0) * comparisons < 0.05 <= mcnemar(gained - 1, 0) * comparisons
    shown = stats.binom.sf(gained - 1, 131, least_shown(131, comparisons))
    assert shown == pytest.approx(POWER)
    assert least_shown(gained - 1, comparisons) == 1.0
