"""A second look at answers that fail or find nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.several import Lists, Several, answered

from dstill import Run
from dstill.api.records import Prediction
from dstill.stages.predict.predicted import CALLER
from dstill.stages.predict.predictor import Predictor
from dstill.stages.predict.second_look import first_that_finds, near_the_best, needs_second_look, warned


@pytest.mark.parametrize(
    ("facts", "needs"),
    [
        ({}, True),  # it finds nothing
        ({"result": [1]}, False),
        ({"ok": False, "outcome": "invalid"}, True),
        ({"ok": False, "outcome": ""}, True),  # the checks refuse it
        ({"ok": False, "outcome": "unavailable"}, False),
        ({"ok": False, "outcome": "unsupported"}, False),
        ({"ok": False, "refused": True}, False),
        ({"ok": False, "abstained": True}, False),
        ({"outcome": ""}, False),  # it was not run
        ({"answered_by": CALLER}, False),
    ],
)
def test_what_needs_a_second_look(facts: dict[str, Any], needs: bool) -> None:
    assert needs_second_look(Lists(), answered(**facts)) is needs


def test_the_first_other_answer_that_finds_something_is_given() -> None:
    first = answered(seconds=1.0)
    others = [
        answered(),  # the same again
        answered(answer="b", ok=False, outcome="invalid"),
        answered(answer="c"),
        answered(answer="d", result=[4], seconds=0.5),
        answered(answer="e", result=[5]),
    ]
    chosen = first_that_finds(Lists(), first, iter(others))
    assert (chosen.answer, chosen.first_answer, chosen.seconds) == ("d", "a", 1.5)
    assert (chosen.to_row()["first_answer"], chosen.second_look) == ("a", "the first answer finds nothing")
    assert first_that_finds(Lists(), first, others[:3]) is first
    assert "first_answer" not in first.to_row()


def test_answers_that_are_much_less_probable_are_no_alternative() -> None:
    candidates = [
        Prediction(id="1", text=text, logprob=logprob) for text, logprob in zip("abc", (-0.5, -4, -5), strict=True)
    ]
    assert [candidate.text for candidate in near_the_best(candidates)] == ["a", "b"]
    assert near_the_best([Prediction(id="1", text="a", logprob=None)]) == []


def test_a_predictor_takes_a_second_look_if_it_runs_answers(trained_run: Callable[..., Run]) -> None:
    run = trained_run()
    student = Several([("1*2", -0.1), ("1+2", -0.9)])
    asked = replace(run.answerable(), load=lambda _: student)
    with Predictor(asked, execute=True) as predictor:
        example = predictor.example("add 1 and 2")
        (second,) = predictor.answer([example])
        (only_written,) = predictor.answer([example], execute=False)
    assert (second.answer, second.result, second.first_answer) == ("1+2", 3, "1*2")
    assert second.second_look.startswith("the first answer is not valid: ")
    assert (only_written.answer, only_written.ok, only_written.first_answer) == ("1*2", False, "")


def test_an_answer_that_finds_nothing_has_a_warning() -> None:
    (problem,) = warned(Lists(), answered(result=[])).problems
    assert (problem.code, problem.is_error) == ("finds_nothing", False)
    assert warned(Lists(), answered(result=[3])).problems == ()
