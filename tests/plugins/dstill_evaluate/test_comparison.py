"""Comparisons with known truth: items, tests and indistinguishable systems."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.api.records import Level, Verdict
from dstill_evaluate.comparison import PairComparison, compare_pair, gained_and_lost, holm_corrected, judged_in_all
from dstill_evaluate.statistics import holm, mcnemar, mean
from dstill_evaluate.wording import difference, p_is, p_value, sentence

Run = dict[str, Verdict]


def verdict(id: str, right: bool, **changes: object) -> Verdict:
    level = Level.CORRECT if right else Level.EXECUTED
    facts: dict[str, object] = {"reached": level, "checked": Level.CORRECT, "template": id, "split": "test", **changes}
    return Verdict(id=id, **facts)  # type: ignore[arg-type]


def run(marks: str, templates: int = 0) -> Run:
    """``"1101"``: one item per mark; if `templates` > 0, the items share that many templates."""
    ids = [f"t{number}" for number in range(len(marks))]
    shared = {id: f"of {number % templates}" for number, id in enumerate(ids)} if templates else {}
    return {id: verdict(id, mark == "1", template=shared.get(id, id)) for id, mark in zip(ids, marks, strict=True)}


def row(found: PairComparison) -> dict[str, object]:
    return {"set": "test", **found.to_row()}


# --- tests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    # twice the tail of a fair coin: 2 (C(10, 0) + C(10, 1)) / 2^10, 2 / 2^5; equal counts give p = 1
    [(9, 1, 22 / 1024), (1, 9, 22 / 1024), (5, 0, 1 / 16), (3, 3, 1.0), (0, 0, 1.0), (1, 0, 1.0)],
)
def test_mcnemar_is_exact(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p)


def test_holm_matches_the_paper() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def holm_by_formula(ps: list[float]) -> list[float]:
    """The k-th smallest of n is multiplied by n - k + 1, and no p-value comes out below a smaller one's."""
    after, largest = [0.0] * len(ps), 0.0
    for k, n in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        largest = max(largest, min(1.0, (len(ps) - k) * ps[n]))
        after[n] = largest
    return after


P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(P_VALUES)
def test_holm_formula_never_lowers_a_p_value(ps: list[float]) -> None:
    after = holm_by_formula(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, after, strict=True))
    assert after[ps.index(min(ps))] == pytest.approx(min(1, len(ps) * min(ps)))


@settings(max_examples=10)  # a twentieth of a second each
@given(P_VALUES)
def test_holm_matches_its_formula(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(holm_by_formula(ps))


def test_mean_has_an_interval_clustered_by_template() -> None:
    values, alone = [0.0, 1.0] * 20, [str(number) for number in range(40)]
    apart, together = mean("f1", values, alone), mean("f1", values, [str(number % 4) for number in range(40)])
    assert apart.value == together.value == 0.5
    assert apart.low is not None
    assert apart.high is not None
    assert together.low is not None
    assert together.high is not None
    assert together.high - together.low > 2 * (apart.high - apart.low)  # items of a template are all alike here
    assert apart == mean("f1", values, alone)
    assert mean("f1", [], []).note == "not checked"
    assert mean("f1", [1.0, 0.0], ["one", "one"]).low is None


# --- items ------------------------------------------------------------------------------


def test_item_undecided_in_one_run_is_excluded() -> None:
    a, b = run("1111"), run("1111")
    b["t1"] = verdict("t1", False, gold_error="invalid: no such field")
    b["t2"] = verdict("t2", True, trivial=True)
    del b["t3"]
    assert judged_in_all([[a], [b]]) == ["t0"]


def test_nothing_counts_if_one_run_was_not_executed() -> None:
    refusal = verdict("t0", True, expects_refusal=True, refused=True)
    unrun = Verdict(id="t1", reached=Level.VALID, checked=Level.VALID, split="test")
    assert judged_in_all([[run("11")], [{"t0": refusal, "t1": unrun}]]) == []


def test_gained_and_lost_are_named() -> None:
    a, b = run("1100"), run("1011")
    assert gained_and_lost([b], [a], ["t0", "t1", "t2", "t3"]) == {"gained": ["t2", "t3"], "lost": ["t1"]}


# --- verdicts ---------------------------------------------------------------------------


def test_clear_difference_is_reported_in_both_directions() -> None:
    a, b = run("1" * 20 + "0" * 40), run("1" * 50 + "0" * 10)
    better = compare_pair([b], [a], list(a))
    worse = compare_pair([a], [b], list(a))
    assert holm_corrected([better])[0].distinguishable
    assert row(holm_corrected([better])[0])["difference"] == pytest.approx(0.5)
    assert "b is better than a by 50.0 points (exact McNemar test: p" in sentence(
        row(holm_corrected([better])[0]), "b", "a"
    )
    assert "a is worse than b by 50.0 points" in sentence(row(holm_corrected([worse])[0]), "a", "b")


def test_small_difference_is_inconclusive_with_the_detectable_size() -> None:
    a, b = run("1" * 30 + "0" * 30), run("1" * 32 + "0" * 28)
    found = holm_corrected([compare_pair([b], [a], list(a))])[0]
    assert not found.distinguishable
    said = sentence(row(found), "b", "a")
    assert said.startswith("test: b and a are not distinguishable (exact McNemar test: p = 0.5; right on 2 more items")
    smallest = float(said.partition("show a difference of ")[2].split()[0])
    assert 10 < smallest < 15  # not the bootstrap's 9: the test needs at least six gained items of 60


def test_equal_systems_have_no_detectable_size() -> None:
    found = compare_pair([run("1010")], [run("1010")], ["t0", "t1", "t2", "t3"])
    assert row(found)["detectable"] is None
    assert "how large a difference would show is not known" in sentence(row(found), "b", "a")


def test_items_of_one_template_are_not_enough() -> None:
    """McNemar's test assumes independent items, and alone it would find a difference."""
    a, b = run("0" * 40, templates=2), run("10" * 20, templates=2)
    found = holm_corrected([compare_pair([b], [a], list(a))])[0]
    assert found.p < 0.001
    assert not found.distinguishable


def test_chance_finding_among_many_comparisons_is_not_significant() -> None:
    a, b = run("1" * 30 + "0" * 30), run("1" * 36 + "0" * 24)
    found = compare_pair([b], [a], list(a))
    assert found.p == pytest.approx(2 / 2**6)
    same = compare_pair([a], [a], list(a))
    assert holm_corrected([found])[0].distinguishable
    after = holm_corrected([found, same])[0]
    assert after.p_holm == pytest.approx(2 * found.p)
    assert not after.distinguishable
    assert "0.062 after Holm's correction" in sentence(row(after), "b", "a")


def test_seeds_are_tested_by_permutation_of_templates() -> None:
    a = [run("1" * 20 + "0" * 20), run("1" * 22 + "0" * 18)]
    b = [run("1" * 34 + "0" * 6), run("1" * 36 + "0" * 4)]
    found = compare_pair(b, a, list(a[0]))
    assert (found.test, found.paired.seeds) == ("permutation", 2)
    assert found.p < 0.01
    assert "permutation test by template" in sentence(row(found), "b", "a")


def test_disagreeing_seeds_are_not_significant_for_any_number_of_templates() -> None:
    a = [run("1" * 40 + "0" * 160)] * 3
    b = [run("1" * n + "0" * (200 - n)) for n in (44, 60, 110)]
    found = compare_pair(b, a, list(a[0]))
    assert found.paired.excludes_zero
    assert found.paired.p < 0.001
    assert (found.test, found.p) == ("seeds", pytest.approx(0.2557, abs=1e-4))  # t of 1.576 at 2 degrees of freedom
    assert found.paired.detectable > 0.5
    assert "t-test over the seeds: p = 0.26" in sentence(row(found), "b", "a")


@pytest.mark.parametrize(("templates", "enough"), [(5, False), (6, True)])
def test_permutation_test_needs_more_than_five_templates(templates: int, enough: bool) -> None:
    first, other = [run("0" * 240, templates)] * 2, [run("1" * 16 + "0" * 224, templates)] * 2
    (found,) = holm_corrected([compare_pair(other, first, list(first[0]))])
    assert (found.test, found.paired.clusters) == ("permutation", templates)
    assert (found.to_row()["detectable"] < 1) == enough


def test_comparison_is_reproducible() -> None:
    a, b = run("1100" * 9), run("1010" * 9)
    assert compare_pair([b], [a], list(a)).to_row() == compare_pair([b], [a], list(a)).to_row()


def test_numbers_are_formatted_for_people() -> None:
    assert difference({"difference": 0.051, "low": 0.012, "high": 0.09}) == "+5.1 [+1.2, +9.0]"
    assert [p_value(p) for p in (1.0, 0.0432, 1e-9)] == ["1", "0.043", "< 0.0001"]
    assert [p_is(p) for p in (0.0432, 1e-9)] == ["p = 0.043", "p < 0.0001"]
    assert not math.isnan(compare_pair([run("1")], [run("0")], ["t0"]).p)
