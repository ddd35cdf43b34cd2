"""Who wins a vote, by the results of answers; and which answers differ."""

from __future__ import annotations

from typing import Any

import pytest

from dstill.api.task import Task
from dstill.pipeline.predict import PredictedAnswer, Votes
from dstill.pipeline.self_consistency import distinct, elected


def gave(result: Any, answer: str = "") -> PredictedAnswer:
    return PredictedAnswer(
        id="1", question="q", answer=answer or f"{result}", ok=True, refused=False, outcome="ok", result=result
    )


REFUSED = PredictedAnswer(id="1", question="q", answer="none", ok=False, refused=True)
INVALID = PredictedAnswer(id="1", question="q", answer="1*2", ok=False, refused=False, reason="'1*2' is no sum")
AWAY = PredictedAnswer(id="1", question="q", answer="1+2!", ok=False, refused=False, outcome="unavailable")


@pytest.mark.parametrize(
    ("given", "answer", "votes"),
    [
        ([gave(3, "1+2"), gave(4), gave(3, "2+1")], "1+2", Votes(agree=2, voted=3, of=3)),
        ([gave(4), gave(3, "1+2"), gave(3, "2+1")], "1+2", Votes(agree=2, voted=3, of=3)),
        ([gave(4), gave(3), gave(3), gave(4, "2+2")], "4", Votes(agree=2, voted=4, of=4)),  # a tie: the greedy one's
        ([INVALID, gave(5), gave(6)], "5", Votes(agree=1, voted=2, of=3)),  # or the first one's
        ([gave(3), REFUSED, REFUSED], "none", Votes(agree=2, voted=3, of=3)),
        ([INVALID, INVALID, AWAY, gave(3)], "3", Votes(agree=1, voted=1, of=4)),
        ([AWAY, INVALID], "1+2!", Votes(agree=0, voted=0, of=2)),
    ],
)
def test_the_largest_group_is_taken(task: Task, given: list[PredictedAnswer], answer: str, votes: Votes) -> None:
    found = elected(task, given)
    assert (found.answer, found.votes) == (answer, votes)


def test_a_vote_is_told_in_words() -> None:
    assert str(Votes(agree=5, voted=8, of=8)) == "5 of 8 answers agree"
    assert str(Votes(agree=5, voted=6, of=8)) == "5 of 8 answers agree, 2 did not vote"
    assert str(Votes(agree=0, voted=0, of=8)) == "none of 8 answers could vote"


def test_results_agree_only_where_each_is_the_same_as_the_other(task: Task) -> None:
    """`Task.same` asks what its second argument counts: a page holds more than a number."""
    task.same = lambda got, want: got["total"] == want["total"] and want.get("page") in (None, got.get("page"))  # type: ignore[method-assign]
    number, page = gave({"total": 3}, "number"), gave({"total": 3, "page": [1, 2]}, "page")
    assert elected(task, [number, page]).votes == Votes(agree=1, voted=2, of=2)
    assert elected(task, [page, number, number]).answer == "number"


def test_answers_that_differ_by_spelling_alone_are_one(task: Task) -> None:
    assert distinct(task, [gave(3, "1+2"), INVALID, gave(3, " 1+2 "), gave(3, "2+1")]) == [
        (gave(3, "1+2"), 2),
        (INVALID, 1),
        (gave(3, "2+1"), 1),
    ]
