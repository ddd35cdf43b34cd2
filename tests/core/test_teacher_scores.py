"""The teacher's answers, compared with golds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dstill import Run
from dstill.api.records import Level, Problem, Rejection, TeacherRequest
from dstill.plugins import Plugins
from dstill.stages.evaluate import teacher_answers
from dstill.stages.evaluate.teacher import judged
from dstill.teacher import fence

Evaluated = Callable[..., tuple[Run, dict[str, Any]]]


@pytest.fixture
def evaluated(trained_run: Callable[..., Run]) -> Callable[..., tuple[Run, dict[str, Any]]]:
    def make(**flags: Any) -> tuple[Run, dict[str, Any]]:
        run = trained_run(evaluate__baselines=[], **flags)
        return run, dict(run.evaluate()["teacher"])

    return make


def test_teacher_that_repeats_golds_is_not_measured(evaluated: Evaluated) -> None:
    run, facts = evaluated()
    assert facts == {"why": "the teacher 'parrot' repeats reference answers", "scores": {}}
    assert run.verdicts("teacher") == []


def test_answers_and_refused_replies_are_compared_with_golds(
    plugins: Plugins, evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins.teacher("parrot"), "is_lookup", False)
    # "4 and 3" is one of 13 questions of `test`, and its reply has too many digits for the checks
    run, facts = evaluated(teacher__parrot__wrong="4 and 3")
    assert facts["why"] == ""
    assert facts["scores"]["test"]["right"]["value"] == pytest.approx(12 / 13)
    (wrong,) = [verdict for verdict in run.verdicts("teacher") if not verdict.correct]
    assert (wrong.id, wrong.reached) == ("test-add-4-3", Level.PARSED)
    # the dataset has all of them: the student is scored against the reference answers
    assert len(run.verdicts()) == 13


def test_questions_without_golds_are_not_counted(
    plugins: Plugins, evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins.teacher("parrot"), "is_lookup", False)
    run, _ = evaluated()
    (run.folder / "requests.jsonl").unlink()
    assert (
        run.evaluate()["teacher"]["why"]
        == "no question that is scored had a reference answer before the teacher was asked"
    )


@pytest.mark.parametrize("before", ["", "<think>Hm.</think>"])
def test_refused_reply_is_judged_without_its_fence(
    create: Callable[..., Run], plugins: Plugins, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fence and a reasoning trace are not part of the answer."""
    setup = create().setup
    gold = next(e for e in setup.task.examples("test") if e.answer is not None)
    text = f"{before}<id>{fence.of(gold)}</id>{setup.task.reply_text('so', gold.answer or '')}"
    problem = Problem(layer="rationale", code="rationale_leaks_answer", message="m")
    refused = Rejection(id=gold.id, question=gold.question, problems=(problem,), text=text)
    monkeypatch.setattr(plugins.teacher("parrot"), "is_lookup", False)
    answers = teacher_answers.answers(setup, [TeacherRequest(id=gold.id, example=gold, keys=("k",))], [refused])
    assert answers is not None
    (verdict,) = judged(setup, [gold], answers, [refused], None)
    assert verdict.exact
