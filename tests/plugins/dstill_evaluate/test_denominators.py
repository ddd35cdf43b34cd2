"""The denominator of metrics does not depend on the student's answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import pytest

from dstill.api.engine import Engine as Settings
from dstill.api.executor import Executor
from dstill.api.judging import judge
from dstill.api.protocols import ResultProperties
from dstill.api.records import Draft, Example, Level, Outcome, OutcomeKind, Problem, Verdict
from dstill.api.task import Check, Task
from dstill_evaluate.metrics import ExactMatch, ExecutableAccuracy, uncounted


def _digits(example: Example, answer: str) -> Iterable[Problem]:
    if not answer.isdigit() and answer != "no":
        yield Problem(layer="digits", code="no_number", message=f"'{answer}' is no number")


class ZeroIsTrivial(ResultProperties):
    def is_trivial(self, value: object, example: Example) -> bool:
        return value == 0


class Squares(Task):
    name = "squares"
    checks: ClassVar[tuple[Check, ...]] = (Check("digits", _digits, parses=True),)  # type: ignore[misc]

    def examples(self, split: str) -> Iterable[Example]:
        return ()

    protocols: ClassVar = {ResultProperties: ZeroIsTrivial}

    def is_refusal(self, answer: str) -> bool:
        return answer == "no"


class Engine(Executor):
    name = "engine"

    def execute(self, answer: str, example: Example) -> Outcome:
        kinds = {"7": OutcomeKind.INVALID, "8": OutcomeKind.UNAVAILABLE, "9": OutcomeKind.UNSUPPORTED}
        kind = kinds.get(answer, OutcomeKind.OK)
        return Outcome(kind=kind, reason=kind.value, value=int(answer) ** 2 if kind is OutcomeKind.OK else None)


# gold → its properties
GOLDS = {
    "2": "counts",
    "3": "counts",
    "0": "trivial reference",
    "7": "failing reference",
    "8": "unavailable",
    "no": "counts",
}


def judged(answer: str | None) -> list[Verdict]:
    """The verdicts on a student that always writes `answer`."""
    draft = None if answer is None else Draft(answer=answer)
    task = Squares()
    engine = Engine().open(task, Settings())
    return [judge(task, Example(id=gold, question=gold, answer=gold), draft, engine) for gold in GOLDS]


@pytest.mark.parametrize("answer", ["2", "3", "0", "7", "no", "letters", None])
def test_denominator_is_the_same_for_every_student(answer: str | None) -> None:
    verdicts = judged(answer)
    assert uncounted(verdicts) == {"failing reference": 1, "unavailable": 1, "trivial reference": 1}
    assert ExecutableAccuracy()(verdicts).n == 3
    assert ExactMatch()(verdicts).n == len(GOLDS)


def test_answer_unsupported_by_the_engine_is_excluded() -> None:
    assert uncounted(judged("9")) == {
        "failing reference": 1,
        "unavailable": 1,
        "unsupported": 2,
        "trivial reference": 1,
    }


def test_correct_answer_to_a_trivial_gold_does_not_count() -> None:
    verdict = judged("0")[2]
    assert (verdict.reached, verdict.trivial) == (Level.CORRECT, True)
    assert ExecutableAccuracy()([verdict]).value is None


def test_answer_without_a_gold_stops_at_executed() -> None:
    for draft, reached in ((Draft(answer="2"), Level.EXECUTED), (Draft(answer="x"), Level.UNPARSED)):
        task = Squares()
        verdict = judge(task, Example(id="1", question="q"), draft, Engine().open(task, Settings()))
        assert (verdict.reached, verdict.checked, verdict.exact) == (reached, Level.EXECUTED, None)
