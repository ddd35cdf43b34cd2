"""The figures of a cascade, from what came of each question."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.confidence.cascade import Effort, Question, cascade
from dstill.confidence.promise import Promise

efforts = st.builds(Effort, seconds=st.floats(0, 10), usd=st.floats(0, 1))
some_questions = st.lists(
    st.builds(
        Question,
        score=st.none() | st.integers(-9, 0).map(float),
        student_right=st.booleans(),
        large_right=st.booleans(),
        student=efforts,
        large=efforts,
    ),
    min_size=1,
    max_size=40,
).map(lambda asked: [replace(one, student_right=one.student_right and one.score is not None) for one in asked])


def promise(cut: float | None) -> Promise:
    return Promise(max_wrong=0.05, level=0.9, holds=True, cut=cut, of=100, needed=45)


@given(some_questions, st.integers(-9, 0))
def test_every_question_is_answered_once(asked: list[Question], cut: int) -> None:
    found = cascade(asked, [promise(cut), promise(None), replace(promise(cut), holds=False)])
    strict, loose = found.cuts
    for mix, least in ((strict, float(cut)), (loose, -99.0)):
        here = [one for one in asked if one.score is not None and one.score > least]
        others = [one for one in asked if one not in here]
        assert (mix.here, mix.wrong_here) == (len(here), sum(not one.student_right for one in here))
        assert mix.right == sum(o.student_right for o in here) + sum(o.large_right for o in others)
        assert mix.low <= mix.accuracy == mix.right / len(asked) <= mix.high
        took = sum(one.student.seconds or 0 for one in asked) + sum(one.large.seconds or 0 for one in others)
        paid = sum(one.student.usd or 0 for one in asked) + sum(one.large.usd or 0 for one in others)
        assert mix.seconds == pytest.approx(took / len(asked), abs=1e-5)
        assert mix.usd_per_1000 == pytest.approx(1000 * paid / len(asked), abs=1e-3)


@given(some_questions)
def test_shares_begin_with_the_model_and_grow(asked: list[Question]) -> None:
    found = cascade(asked, [])
    first, *_ = found.shares
    assert (first.here, first.right, first.share) == (0, found.large.right, 0.0)
    assert [mix.here for mix in found.shares] == sorted({mix.here for mix in found.shares})
    for mix in found.shares:
        assert mix.share is not None
        assert mix.here <= mix.share * len(asked) + 1e-9
    if all(one.score is not None for one in asked):
        assert (found.shares[-1].here, found.shares[-1].right) == (len(asked), found.student.right)


def test_what_is_not_known_is_not_zero() -> None:
    free = Effort(seconds=0.5, usd=None)
    question = Question(score=-1.0, student_right=True, large_right=False, student=free, large=free)
    found = cascade([question], [promise(-2.0), promise(0.0)])
    above, below = found.cuts
    assert (found.student.usd_per_1000, found.large.usd_per_1000, below.usd_per_1000) == (None, None, None)
    assert above.usd_per_1000 == 0  # no question goes to the model, and the machine has no price
    assert (found.student.seconds, found.large.seconds, below.seconds) == (0.5, 0.5, 1.0)
    lost = replace(question, large=Effort(seconds=None, usd=2.0))
    assert cascade([lost], [promise(0.0)]).cuts[0].seconds is None
    assert cascade([lost, question], [promise(0.0)]).cuts[0].seconds == 1.0
