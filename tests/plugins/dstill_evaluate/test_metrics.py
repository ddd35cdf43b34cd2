"""Verdicts with known answers: which ones each metric counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import Level, Overlap, Score, Verdict
from dstill.plugins import load
from dstill_evaluate.metrics import (
    METRICS,
    ClauseF1,
    ClausePrecision,
    ClauseRecall,
    ExactMatch,
    ExecutableAccuracy,
    Executed,
    Parsed,
    RefusalPrecision,
    RefusalRecall,
    SilentWrong,
    Valid,
    uncounted,
)

RIGHT = Verdict(id="1", reached=Level.CORRECT, checked=Level.CORRECT, exact=True, outcome="ok")
WRONG = replace(RIGHT, reached=Level.EXECUTED, exact=False, reason="ran, with another result than the reference")
INVALID = replace(RIGHT, reached=Level.PARSED, exact=False, outcome="")
UNPARSED = replace(INVALID, reached=Level.UNPARSED)
VACUOUS = replace(RIGHT, trivial=True)
GOLD_ERROR = replace(RIGHT, reached=Level.VALID, checked=Level.VALID, gold_error="invalid: no field x", outcome="ok")
UNAVAILABLE = replace(RIGHT, reached=Level.VALID, checked=Level.VALID, outcome="unavailable")
UNSUPPORTED = replace(UNAVAILABLE, outcome="unsupported")
NO_ENGINE = replace(RIGHT, reached=Level.VALID, checked=Level.VALID, outcome="")
REFUSED = replace(RIGHT, outcome="", expects_refusal=True, refused=True)
NOT_REFUSED = replace(REFUSED, reached=Level.VALID, refused=False, exact=False)
REFUSED_WRONGLY = replace(REFUSED, reached=Level.VALID, expects_refusal=False, exact=False)


def value_and_n(metric: type, verdicts: Sequence[Verdict]) -> tuple[float | None, int]:
    score: Score = metric()(verdicts)
    return score.value, score.n


def test_all_correct_has_an_interval() -> None:
    score = ExecutableAccuracy()([RIGHT] * 114)
    assert (score.value, score.n, score.high) == (1.0, 114, 1.0)
    assert score.low == pytest.approx(0.967, abs=5e-4)


def test_levels_are_rates_over_checked_answers() -> None:
    verdicts = [RIGHT, WRONG, INVALID, UNPARSED]
    assert value_and_n(Parsed, verdicts) == (0.75, 4)
    assert value_and_n(Valid, verdicts) == (0.5, 4)
    assert value_and_n(Executed, verdicts) == (0.5, 4)
    assert value_and_n(ExecutableAccuracy, verdicts) == (0.25, 4)
    assert value_and_n(SilentWrong, verdicts) == (0.25, 4)
    assert value_and_n(ExactMatch, verdicts) == (0.25, 4)


def test_excluded_answers_are_counted_by_reason() -> None:
    verdicts = [RIGHT, RIGHT, WRONG, VACUOUS, replace(WRONG, trivial=True), GOLD_ERROR, UNAVAILABLE, UNSUPPORTED]
    score = ExecutableAccuracy()(verdicts)
    assert (score.value, score.n) == (2 / 3, 3)
    assert score.note == "excluded: 1 failing reference, 2 trivial reference, 1 unavailable, 1 unsupported"
    assert SilentWrong()(verdicts).n == 3
    assert score.uncounted == SilentWrong()(verdicts).uncounted == uncounted(verdicts)
    assert Valid()(verdicts).uncounted == {}
    assert Score.from_row(json.loads(json.dumps(score.to_row()))) == score
    assert uncounted(verdicts) == {"failing reference": 1, "unavailable": 1, "unsupported": 1, "trivial reference": 2}
    assert uncounted([RIGHT]) == {}
    assert uncounted([replace(GOLD_ERROR, gold_error="unavailable: timed out")]) == {"unavailable": 1}


def test_values_without_an_engine_are_none() -> None:
    verdicts = [NO_ENGINE, replace(INVALID, checked=Level.VALID)]
    for metric in (Executed, ExecutableAccuracy, SilentWrong):
        score = metric()(verdicts)
        assert (score.value, score.n, score.low, score.high) == (None, 0, None, None)
    assert Executed()(verdicts).note == "not checked"
    assert ExecutableAccuracy()(verdicts).note == "not checked; excluded: 2 not checked"
    assert value_and_n(Valid, verdicts) == (0.5, 2)


def test_refusals_alone_give_no_accuracy_without_an_engine() -> None:
    assert value_and_n(ExecutableAccuracy, [NO_ENGINE, REFUSED]) == (None, 0)
    assert value_and_n(ExecutableAccuracy, [REFUSED, NOT_REFUSED]) == (0.5, 2)  # a category of nothing else


def test_refusals_count_in_accuracy_but_not_in_executed() -> None:
    verdicts = [RIGHT, REFUSED, REFUSED, NOT_REFUSED, REFUSED_WRONGLY]
    assert value_and_n(ExecutableAccuracy, verdicts) == (3 / 5, 5)
    assert value_and_n(Executed, verdicts) == (1.0, 1)
    assert value_and_n(RefusalPrecision, verdicts) == (2 / 3, 3)
    assert value_and_n(RefusalRecall, verdicts) == (2 / 3, 3)
    assert value_and_n(SilentWrong, verdicts) == (0.0, 5)


def test_empty_rates_give_a_reason() -> None:
    assert RefusalPrecision()([RIGHT]).note == "nothing was refused"
    assert RefusalRecall()([RIGHT]).note == "no question asks for a refusal"
    # a refusal without a gold: not known whether it is expected
    assert value_and_n(RefusalPrecision, [replace(REFUSED, checked=Level.VALID, expects_refusal=False)]) == (None, 0)
    assert value_and_n(ExactMatch, [replace(RIGHT, exact=None)]) == (None, 0)


def test_clause_f1_is_a_mean_with_an_interval_clustered_by_template() -> None:
    half = replace(WRONG, clauses=Overlap(shared=1, got=1, want=3), template="a")
    whole = replace(RIGHT, clauses=Overlap(shared=2, got=2, want=2), template="b")
    nothing = replace(UNPARSED, clauses=Overlap(shared=0, got=0, want=2), template="c")
    verdicts = [half, half, whole, nothing, WRONG]  # the last has none
    f1, precision, recall = (metric()(verdicts) for metric in (ClauseF1, ClausePrecision, ClauseRecall))
    assert [score.n for score in (f1, precision, recall)] == [4, 4, 4]
    assert f1.value == pytest.approx((0.5 + 0.5 + 1 + 0) / 4)
    assert precision.value == pytest.approx((1 + 1 + 1 + 0) / 4)
    assert recall.value == pytest.approx((1 / 3 + 1 / 3 + 1 + 0) / 4)
    assert f1.low is not None
    assert f1.high is not None
    assert f1.low < f1.value < f1.high
    assert ClauseF1()(verdicts) == f1  # seeded
    assert ClauseF1()([half, half]).low is None  # one template says nothing about others
    assert ClauseF1()([WRONG]) == Score(name="clause_f1", value=None, n=0, note="not measured")


def test_every_metric_accepts_an_empty_set() -> None:
    for metric in METRICS:
        assert metric()([]).value is None


def test_entry_point_registers_the_metrics() -> None:
    plugins = load()
    assert {metric.name for metric in METRICS} <= set(plugins.names("metrics"))
    assert plugins.owner("students", "nearest") == "evaluate"


verdicts = st.lists(
    st.sampled_from(
        [
            RIGHT,
            WRONG,
            INVALID,
            UNPARSED,
            VACUOUS,
            GOLD_ERROR,
            UNAVAILABLE,
            NO_ENGINE,
            REFUSED,
            NOT_REFUSED,
            REFUSED_WRONGLY,
        ]
    ),
    max_size=60,
)


@given(verdicts)
def test_interval_contains_its_rate(verdicts: list[Verdict]) -> None:
    for metric in METRICS:
        score = metric()(verdicts)
        assert score.n <= len(verdicts)
        if score.value is None:
            assert score.n == 0
        else:
            assert score.low is not None
            assert score.high is not None
            assert 0 <= score.low <= score.value <= score.high <= 1


@given(verdicts)
def test_accuracy_and_silent_errors_share_a_denominator(verdicts: list[Verdict]) -> None:
    right, silent = ExecutableAccuracy()(verdicts), SilentWrong()(verdicts)
    assert right.n == silent.n
    assert (right.value or 0) + (silent.value or 0) <= 1 + 1e-9
    assert right.n == 0 or right.n + sum(uncounted(verdicts).values()) == len(verdicts)
