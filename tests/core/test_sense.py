"""Conditions that exclude or repeat each other, and values that the data lack."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.sense import Condition, beyond_values, brief, other_form, together, twice, unknown_value
from dstill.api.values import Known

RANGE = [n / 2 for n in range(-8, 9)]
VALUES = st.integers(-3, 3)
CONDITIONS = st.one_of(
    st.builds(
        lambda operator, value: Condition(item="x", operator=operator, values=(value,)),
        st.sampled_from(["<", "<=", ">", ">="]),
        VALUES,
    ),
    st.builds(
        lambda operator, values: Condition(item="x", operator=operator, values=tuple(values)),
        st.sampled_from(["=", "not"]),
        st.lists(VALUES, min_size=1, max_size=3),
    ),
)


def fulfils(value: float, condition: Condition) -> bool:
    bound = condition.values[0]
    return {
        "=": value in condition.values,
        "not": value not in condition.values,
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }[condition.operator]


@given(CONDITIONS, CONDITIONS)
def test_two_conditions_exclude_each_other_where_no_number_fulfils_both(one: Condition, other: Condition) -> None:
    codes = [problem.code for problem in together([one, other])]
    never = not any(fulfils(value, one) and fulfils(value, other) for value in RANGE)
    assert (codes == ["excluded"]) is never
    if codes == ["repeated"]:
        sets = [{value for value in RANGE if fulfils(value, condition)} for condition in (one, other)]
        assert sets[0] <= sets[1] or sets[1] <= sets[0]


@given(st.lists(CONDITIONS, max_size=9))
def test_conditions_that_some_number_fulfils_are_not_excluded(conditions: list[Condition]) -> None:
    if any(all(fulfils(value, condition) for condition in conditions) for value in RANGE):
        assert "excluded" not in [problem.code for problem in together(conditions)]
    assert not any(problem.is_error for problem in together(conditions, single=False))


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([("=", "a"), ("=", "b")], "'x' = 'a' and 'x' = 'b' are never true together"),
        (
            [(">", "2024-03-01"), ("<", "2024-02-01")],
            "'x' > '2024-03-01' and 'x' < '2024-02-01' are never true together",
        ),
        ([("null",), ("=", 3)], "'x' is null and 'x' = 3 are never true together"),
        ([("=", 1, 2), ("not", 1, 2)], "'x' = 1 or 2 and 'x' is not 1 or 2 are never true together"),
        ([(">", 5), (">=", 3)], "one of 'x' > 5 and 'x' >= 3 is enough"),
        ([("=", "a"), ("=", "A")], ""),  # a collation may make them equal
        ([("=", 1), ("=", "1.0")], ""),
        ([("=", "2024-03-01"), ("=", "2024-03-01 00:00:00")], ""),
        ([(">", "2024-03"), ("<", "2024")], ""),  # how a part of a date is read differs
        ([(">", "b"), ("<", "a")], ""),  # the order of texts differs
    ],
)
def test_words_for_conditions(conditions: list[tuple[Any, ...]], message: str) -> None:
    made = [Condition(item="x", operator=operator, values=tuple(values)) for operator, *values in conditions]
    assert [problem.message for problem in together(made)] == [message] * bool(message)


def test_values_of_an_item_with_several_exclude_nothing_but_may_repeat() -> None:
    below, above = (Condition(item="x", operator=operator, values=(3,)) for operator in ("<", ">"))
    assert list(together([below, above], single=False)) == []
    assert [problem.code for problem in together([below, below], single=False)] == ["repeated"]


LEVELS = Known(values=("error", "warn", 503), complete=True)


@pytest.mark.parametrize(
    ("value", "folded", "suggestion"),
    [
        ("eror", False, "error"),
        ("Error", False, "error"),
        ("Error", True, ()),
        ("warn ", False, ()),
        (503.0, False, ()),
    ],
)
def test_unknown_values(value: Any, folded: bool, suggestion: Any) -> None:
    problems = list(unknown_value("level", value, LEVELS, folded=folded))
    assert [problem.suggestion for problem in problems] == ([suggestion] if suggestion else [])
    assert list(unknown_value("level", value, Known(values=("error",)))) == []  # others may be there


def test_a_bound_is_far_outside_of_the_range() -> None:
    def codes(operator: Any, value: float, **more: Any) -> list[str]:
        known = Known(low=10, high=20)
        return [problem.code for problem in beyond_values("took", operator, value, known, float, **more)]

    assert codes(">", 31) == codes("=", 31) == codes("<", -1) == ["beyond_values"]
    assert codes(">", 29) == codes("<", 31) == codes("not", 31) == codes(">", 31, grows=True) == []
    assert list(beyond_values("took", ">", 31, Known(), lambda value: value)) == []


TITLES, DAYS, YEARS = (
    Known(values=("Rain", "Snow")),
    Known(low="2024-01-05", high="2024-06-01"),
    Known(low=1990, high=2020),
)


@pytest.mark.parametrize(
    ("known", "operator", "value", "is_other"),
    [
        (TITLES, ">", "3", True),
        (TITLES, "=", "2024-05-01", True),
        (TITLES, "=", "Hail", False),
        (DAYS, "=", "2024", True),
        (DAYS, ">=", "2024", False),
        (DAYS, "=", "2024-02-03", False),
        (YEARS, ">", "2024-02-03", True),
        (YEARS, "=", "2024", False),
        (Known(), "=", "2024", False),
        (Known(values=("7th street",)), "=", "2024", False),
    ],
)
def test_a_date_or_number_among_values_that_look_otherwise(
    known: Known, operator: Any, value: str, is_other: bool
) -> None:
    assert [problem.code for problem in other_form("x", operator, value, known)] == ["other_form"] * is_other


def test_warns_of_the_first_repeated_item() -> None:
    assert [problem.message for problem in twice("c", [1, 2, 2, 1, 1], "{} again".format, "/a")] == ["2 again"]
    assert list(twice("c", [1, 2], str, "")) == []
    assert len(brief("x" * 100)) == 58
