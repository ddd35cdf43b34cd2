"""The teacher's own answers, against golds that were there before it was asked."""

from __future__ import annotations

from typing import Any

import pytest

from dstill import Run
from dstill import config as configuration
from dstill.api.records import Level
from dstill.plugins import Plugins, part_sections

FLAGS = {
    "project.task": "toy",
    "generate.teacher": "parrot",
    "train.student": "memory",
    "train.objective": "plain",
    "evaluate.baselines": [],
    "evaluate.splits": ["test"],
}


def evaluated(plugins: Plugins, **flags: Any) -> tuple[Run, dict[str, Any]]:
    keys = {**FLAGS, **{key.replace("__", "."): value for key, value in flags.items()}}
    config = configuration.load(flags=keys, environment={}, sections=part_sections(plugins))
    run = Run.create("runs/mine", config=config, plugins=plugins)
    run.generate()
    run.train(allow_unreviewed=True)
    return run, dict(run.evaluate()["teacher"])


def test_a_teacher_that_repeats_golds_is_not_measured(plugins: Plugins) -> None:
    run, facts = evaluated(plugins)
    assert facts == {"why": "the teacher 'parrot' repeats golds", "scores": {}}
    assert run.verdicts("teacher") == []


def test_answers_and_refused_replies_are_held_against_the_golds(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins.teacher("parrot"), "repeats", False)
    # "4 and 3" is one of 13 questions of `test`, and its reply has too many digits for the checks
    run, facts = evaluated(plugins, teacher__parrot__wrong="4 and 3")
    assert facts["why"] == ""
    assert facts["scores"]["test"]["right"]["value"] == pytest.approx(12 / 13)
    (wrong,) = [verdict for verdict in run.verdicts("teacher") if not verdict.correct]
    assert (wrong.id, wrong.reached) == ("test-add-4-3", Level.PARSED)
    # the dataset has twelve of them: the student is scored against what the teacher answered
    assert len(run.verdicts()) == 12


def test_questions_without_golds_say_nothing_of_the_teacher(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins.teacher("parrot"), "repeats", False)
    run, _ = evaluated(plugins)
    (run.folder / "asked.jsonl").unlink()
    assert run.evaluate()["teacher"]["why"] == "no question that is scored had a gold before the teacher was asked"
