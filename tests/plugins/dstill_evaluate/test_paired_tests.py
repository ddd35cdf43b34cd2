"""Two systems on the same items: intervals and tests with known truth."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill_evaluate.paired_tests import paired


def _draw(
    rng: random.Random, items: int, seeds: int, a: float, b: float
) -> tuple[list[list[float]], list[list[float]]]:
    """Answers right with probability `a` and `b`, each item with a difficulty that both share."""
    first, second = [], []
    for _ in range(items):
        hard = rng.random()
        first.append([float(hard < a or rng.random() < 0.02) for _ in range(seeds)])
        second.append([float(hard < b or rng.random() < 0.02) for _ in range(seeds)])
    return first, second


def test_real_difference_is_detected() -> None:
    a, b = _draw(random.Random(1), 400, 3, 0.8, 0.7)
    found = paired(a, b, [str(i) for i in range(400)])
    assert found.low < 0.1 < found.high
    assert found.excludes_zero
    assert found.p < 0.01
    assert found.gained > found.lost


def test_false_positive_rate_is_the_nominal_one() -> None:
    told = 0
    for number in range(60):
        a, b = _draw(random.Random(number), 60, 2, 0.6, 0.6)
        told += paired(a, b, [str(i) for i in range(60)]).excludes_zero
    assert told <= 8  # 5 % of 60 are 3


@pytest.mark.slow
def test_false_positive_rate_over_seeds_is_the_nominal_one() -> None:
    """Three trainings per side whose accuracy varies by 8 points, which a bootstrap of three underestimates."""
    told = by_interval = 0
    for number in range(80):
        rng = random.Random(number)
        levels = [[0.5 + rng.gauss(0, 0.08) for _ in range(3)] for _ in range(2)]
        hard = [rng.random() for _ in range(150)]
        a, b = ([[float(item < level) for level in side] for item in hard] for side in levels)
        found = paired(a, b, [str(i) for i in range(150)])
        assert found.p_value_across_seeds is not None
        by_interval += found.excludes_zero and found.p < 0.05
        told += found.excludes_zero and max(found.p, found.p_value_across_seeds) < 0.05
    assert told <= 9  # 5 % of 80 are 4
    assert by_interval > 9  # without the t-test


def test_one_seed_has_no_p_value_across_seeds() -> None:
    a, b = _draw(random.Random(1), 40, 1, 0.8, 0.7)
    assert paired(a, b, [str(i) for i in range(40)]).p_value_across_seeds is None


def test_items_of_one_template_count_once() -> None:
    a = [[1.0]] * 40 + [[0.0]] * 10
    b = [[0.0]] * 50
    alone = paired(a, b, [str(i) for i in range(50)])
    together = paired(a, b, ["one"] * 40 + [f"t{i}" for i in range(10)])
    assert alone.difference == together.difference == pytest.approx(0.8)
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert together.p == 1.0  # a single template moved: by chance as well either way
    assert alone.p < 0.01


def test_one_template_gives_the_widest_interval() -> None:
    found = paired([[1.0]] * 40, [[0.0]] * 40, ["one"] * 40)
    assert (found.difference, found.low, found.high, found.detectable, found.excludes_zero) == (
        1.0,
        -1.0,
        1.0,
        1.0,
        False,
    )


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(5, 40), st.integers(1, 3))
def test_swapping_the_systems_swaps_the_sign(seed: int, items: int, seeds: int) -> None:
    a, b = _draw(random.Random(seed), items, seeds, 0.7, 0.5)
    clusters = [str(i % 7) for i in range(items)]
    one, other = paired(a, b, clusters), paired(b, a, clusters)
    assert one.difference == pytest.approx(-other.difference)
    assert (one.gained, one.lost) == (other.lost, other.gained)
    assert one.p == pytest.approx(other.p)
    assert one.detectable == pytest.approx(other.detectable)


def test_equal_systems_do_not_differ_at_all() -> None:
    a, _ = _draw(random.Random(3), 30, 2, 0.5, 0.5)
    found = paired(a, a, [str(i) for i in range(30)])
    assert (found.difference, found.low, found.high, found.p, found.excludes_zero) == (0, 0, 0, 1.0, False)


def test_mismatched_items_are_refused() -> None:
    with pytest.raises(ValueError, match="clusters"):
        paired([[1.0]], [[1.0], [0.0]], ["a"])
    with pytest.raises(ValueError, match="clusters"):
        paired([], [], [])
