"""Votes by the results of answers, and distinct answers."""

from __future__ import annotations

from typing import Any

import pytest

from dstill.api.task import Task
from dstill.stages.predict.predicted import PredictedAnswer, Votes
from dstill.stages.predict.self_consistency import distinct, elected


def answer_with(result: Any, answer: str = "") -> PredictedAnswer:
    return PredictedAnswer(
        id="1", question="q", answer=answer or f"{result}", ok=True, refused=False, outcome="ok", result=result
    )


REFUSED = PredictedAnswer(id="1", question="q", answer="none", ok=False, refused=True)
INVALID = PredictedAnswer(id="1", question="q", answer="1*2", ok=False, refused=False, reason="'1*2' is no sum")
UNAVAILABLE = PredictedAnswer(id="1", question="q", answer="1+2!", ok=False, refused=False, outcome="unavailable")


@pytest.mark.parametrize(
    ("given", "answer", "votes"),
    [
        ([answer_with(3, "1+2"), answer_with(4), answer_with(3, "2+1")], "1+2", Votes(agree=2, voted=3, of=3)),
        ([answer_with(4), answer_with(3, "1+2"), answer_with(3, "2+1")], "1+2", Votes(agree=2, voted=3, of=3)),
        (
            [answer_with(4), answer_with(3), answer_with(3), answer_with(4, "2+2")],
            "4",
            Votes(agree=2, voted=4, of=4),
        ),  # a tie: the greedy one's
        ([INVALID, answer_with(5), answer_with(6)], "5", Votes(agree=1, voted=2, of=3)),  # or the first one's
        ([answer_with(3), REFUSED, REFUSED], "none", Votes(agree=2, voted=3, of=3)),
        ([INVALID, INVALID, UNAVAILABLE, answer_with(3)], "3", Votes(agree=1, voted=1, of=4)),
        ([UNAVAILABLE, INVALID], "1+2!", Votes(agree=0, voted=0, of=2)),
    ],
)
def test_largest_group_wins(task: Task, given: list[PredictedAnswer], answer: str, votes: Votes) -> None:
    found = elected(task, given)
    assert (found.answer, found.votes) == (answer, votes)


def test_votes_print_as_a_sentence() -> None:
    assert str(Votes(agree=5, voted=8, of=8)) == "5 of 8 answers agree"
    assert str(Votes(agree=5, voted=6, of=8)) == "5 of 8 answers agree, 2 did not vote"
    assert str(Votes(agree=0, voted=0, of=8)) == "none of 8 answers could vote"


def test_results_agree_only_if_mutually_equal(task: Task) -> None:
    """`Task.same` compares what its second argument contains: a page has more than a number."""
    task.same = lambda got, want: got["total"] == want["total"] and want.get("page") in (None, got.get("page"))  # type: ignore[method-assign]
    number, page = answer_with({"total": 3}, "number"), answer_with({"total": 3, "page": [1, 2]}, "page")
    assert elected(task, [number, page]).votes == Votes(agree=1, voted=2, of=2)
    assert elected(task, [page, number, number]).answer == "number"


def test_equivalent_spellings_are_one_group(task: Task) -> None:
    assert distinct(task, [answer_with(3, "1+2"), INVALID, answer_with(3, " 1+2 "), answer_with(3, "2+1")]) == [
        (answer_with(3, "1+2"), 2),
        (INVALID, 1),
        (answer_with(3, "2+1"), 1),
    ]
