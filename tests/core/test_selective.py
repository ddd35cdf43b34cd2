"""Figures of selective prediction: against scikit-learn, and by hand."""

from __future__ import annotations

import random

import pytest
from sklearn.metrics import roc_auc_score

from dstill.api.records import Level, Verdict
from dstill.confidence.selective import ScoredAnswer, counts, measured, risk_coverage


def answer(score: float | None, right: bool | None, *, valid: bool = True) -> ScoredAnswer:
    return ScoredAnswer(id="1", split="test", score=score, confidence=None, valid=valid, right=right)


def test_curve_and_area_by_hand() -> None:
    answers = [answer(-1, True), answer(-2, False), answer(-3, True), answer(-4, True)]
    assert risk_coverage(answers) == [(0.25, 0.0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1.0, 0.25)]
    found = measured(answers)
    assert found.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert (found.n, found.given, found.wrong) == (4, 4, 1)
    assert dict(found.coverage)[0.1] == 0.25


def test_equal_scores_are_given_together() -> None:
    assert risk_coverage([answer(-1, True), answer(-1, False)]) == [(1.0, 0.5)]


def test_invalid_answer_lowers_the_coverage_and_is_not_wrong() -> None:
    found = measured([answer(-1, True), answer(-2, False, valid=False), answer(None, True)])
    assert (found.n, found.given, found.wrong) == (3, 1, 0)
    assert dict(found.coverage)[0.01] == pytest.approx(1 / 3)


def test_uncounted_verdicts_are_not_measured() -> None:
    found = measured([answer(-1, None), answer(-2, None)])
    assert (found.n, found.auroc, found.aurc) == (0, None, None)


def test_auroc_is_that_of_scikit_learn() -> None:
    draw = random.Random(1)
    answers = [answer(round(draw.gauss(0, 1), 1), draw.random() < 0.7) for _ in range(200)]  # with ties
    expected = roc_auc_score([a.right for a in answers], [a.score for a in answers])
    assert measured(answers).auroc == pytest.approx(expected)


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, True), ({"trivial": True}, False), ({"gold_error": "invalid: x"}, False), ({"checked": Level.VALID}, False)],
)
def test_verdicts_that_count(more: dict[str, object], expected: bool) -> None:
    verdict = Verdict(**{"id": "1", "reached": Level.CORRECT, "checked": Level.CORRECT, **more})  # type: ignore[arg-type]
    assert counts(verdict) is expected
