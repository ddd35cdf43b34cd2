from __future__ import annotations

import sys

import pytest

from dstill.errors import MissingExtra
from dstill_evaluate.statistics import POWER, mcnemar, smallest_detectable


def test_missing_statsmodels_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.stats.contingency_tables", None)
    with pytest.raises(MissingExtra, match="'evaluate'") as error:
        mcnemar(1, 2)
    assert error.value.hint == "pip install 'dstill[evaluate]'"


@pytest.mark.parametrize(("comparisons", "gained"), [(1, 6), (3, 7)])
def test_detectable_difference_matches_the_exact_test(comparisons: int, gained: int) -> None:
    from scipy import stats

    assert mcnemar(gained, 0) * comparisons < 0.05 <= mcnemar(gained - 1, 0) * comparisons
    shown = stats.binom.sf(gained - 1, 131, smallest_detectable(131, comparisons))
    assert shown == pytest.approx(POWER)
    assert smallest_detectable(gained - 1, comparisons) == 1.0
