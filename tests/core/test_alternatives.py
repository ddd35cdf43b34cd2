"""Other answers that a student nearly gave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.several import Lists, Several, answered

from dstill import Run
from dstill.api.records import Problem, Severity
from dstill.stages.predict.alternatives import LONGEST, MARGIN, MOST, is_sure, other_answers, question_back
from dstill.stages.predict.predictor import Predictor


def test_answers_with_other_results_are_offered_the_most_probable_first() -> None:
    first = answered(result=[1])
    ran = [
        (-0.5, first),
        (-1.0, answered(answer="b", result=[2])),
        (-1.1, answered(answer="c", result=[3])),
        (-1.2, answered(answer="d", result=[3])),  # with c it is more probable than b
        (-1.3, answered(answer="e", result=[1])),  # what the first one finds
        (-1.4, answered(answer="f", result=[])),
        (-1.5, answered(answer="g", result=[4], ok=False)),
        (-2.0, answered(answer="h", result=[5])),
    ]
    assert [other.answer for other in other_answers(Lists(), first, ran)] == ["c", "b"]


def test_an_answer_with_a_warning_of_its_own_is_not_offered() -> None:
    warning, another = (Problem(layer="reading", code=code, message="?", severity=Severity.WARNING) for code in "uv")
    first = answered(result=[1], problems=(warning,))
    ran = [
        (-1.0, answered(answer="b", result=[2], problems=(another,))),
        (-1.1, answered(answer="c", result=[3], problems=(warning,))),
        (-1.2, answered(answer="d", result=[4])),
    ]
    assert [other.answer for other in other_answers(Lists(), first, ran)] == ["c", "d"]


@given(st.lists(st.tuples(st.floats(-9, 0), st.lists(st.integers(0, 4), max_size=1)), max_size=9))
def test_no_two_results_are_equal(ran: list[tuple[float, list[int]]]) -> None:
    first = answered(result=[0])
    others = other_answers(Lists(), first, [(p, answered(answer=str(n), result=r)) for n, (p, r) in enumerate(ran)])
    results = [[0], *(other.result for other in others)]
    assert len({tuple(result) for result in results}) == len(results) <= MOST + 1
    assert [] not in results


@given(st.floats(-0.2, 0))
def test_an_answer_is_sure_if_the_rest_is_too_little_for_another(logprob: float) -> None:
    rest = 1 - exp(logprob)
    assert is_sure(logprob) == (rest == 0 or log(rest) < logprob - MARGIN)
    assert not is_sure(None)


@pytest.mark.parametrize(
    ("readings", "asked"),
    [
        (
            ["trips where home city is 'Oslo'", "trips where work city is 'Oslo'"],
            '"where home city" or "where work city"',
        ),
        (["the mean of list price", "the mean of price"], '"of list price" or "of price"'),
        (["trips in 'St. Gallen', counted", "trips in 'St. Gallen'"], "\"'St. Gallen', counted\" or \"'St. Gallen'\""),
        (["trips by day", "trips by week", "trips by month"], '"by day", "by week" or "by month"'),
        (["trips over 120 (2 hours), counted", "trips over 2, counted"], '"over 120 (2 hours)" or "over 2"'),
        (["the mean of (a + b)", "the mean of (a + c)"], '"+ b" or "+ c"'),
        (["trips by day, counted", "boats by week, counted"], '"trips by day" or "boats by week"'),
    ],
)
def test_one_place_in_which_answers_differ_is_asked_about(readings: list[str], asked: str) -> None:
    assert question_back(readings) == f"Do you mean {asked}?"


@pytest.mark.parametrize(
    "readings",
    [
        [],
        ["trips"],
        ["trips", "trips"],
        ["trips", "boats"],
        ["trips", ""],
        [f"trips {'x ' * LONGEST}with oars", "trips with oars", f"trips {'y ' * (LONGEST + 1)}with oars"],
    ],
)
def test_answers_that_differ_in_more_than_one_place_are_not_asked_about(readings: list[str]) -> None:
    assert question_back(readings) == ""


@given(st.lists(st.text("ab ',.", max_size=12), max_size=3))
def test_question_back_names_each_answer_or_none(readings: list[str]) -> None:
    asked = question_back(readings)
    assert asked.count('"') in (0, 2 * len(set(readings)))


@pytest.mark.parametrize(
    ("second", "offered"), [(("1+3", -1.2), ["1+3"]), (("1+3", -4.0), []), (("2+1", -1.2), []), (("1*3", -1.2), [])]
)
def test_a_predictor_runs_other_answers(
    trained_run: Callable[..., Run], second: tuple[str, float], offered: list[str]
) -> None:
    asked = replace(trained_run().answerable(), load=lambda _: Several([("1+2", -0.5), second]))
    with Predictor(asked, execute=True) as predictor:
        example = predictor.example("add 1 and 2")
        (ran,) = predictor.answer([example])
        (written,) = predictor.answer([example], execute=False)
        row = predictor.with_alternatives(example, ran).to_row()
        assert predictor.with_alternatives(example, written) is written
    assert [other["answer"] for other in row.get("alternatives", [])] == offered
    assert ran.alternatives == ()
