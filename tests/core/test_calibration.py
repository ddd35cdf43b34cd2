"""From log-probabilities to confidence: the fit, and a run from evaluation to abstention."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.unsure import calibrated, chance, records, trained

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.api.protocols import Phrase, Readback
from dstill.api.records import Example, Prediction
from dstill.confidence import calibration
from dstill.confidence.calibration import Calibration, fitted, score_of
from dstill.confidence.selective import measured
from dstill.errors import DataError, UsageError
from dstill.plugins import Plugins
from dstill.stages.predict.predictor import Predictor

# --- the fit ----------------------------------------------------------------------------


def test_confidence_is_how_often_an_answer_is_right() -> None:
    draw = random.Random(0)
    scores = [-4 * draw.random() ** 2 for _ in range(1_000)]
    found = fitted(scores, [draw.random() < chance(score) for score in scores])
    for score in (-0.1, -1.0, -2.0, -3.0):
        assert found.confidence(score) == pytest.approx(chance(score), abs=0.15)


def test_higher_score_is_never_less_sure() -> None:
    found = fitted([-1.0, -2.0, -3.0, -0.1], [True, False, False, True])
    confidences = [found.confidence(-n / 10) for n in range(100)]
    assert confidences == sorted(confidences, reverse=True)
    assert 0 < confidences[-1] < confidences[0] < 1


@pytest.mark.parametrize(
    ("right", "confidence"), [([True] * 8, 9 / 10), ([False] * 8, 1 / 10), ([False, True] * 4, None)]
)
def test_scores_that_say_nothing_give_everyone_the_same(right: list[bool], confidence: float | None) -> None:
    found = fitted([float(-n) for n in range(8)], right)  # of the last: the wrong ones have the higher scores
    assert found.slope == 0
    assert found.confidence(0.0) == found.confidence(-9.0) == pytest.approx(confidence or 0.5, abs=0.01)


def test_score_needs_what_the_calibration_was_made_of() -> None:
    plain = Prediction(id="1", text="1+2", logprob=-1.0)
    assert score_of(plain, 0) == -1.0
    assert score_of(plain, 8) is None
    assert score_of(Prediction(id="1", text="1+2"), 0) is None
    most, none = (score_of(Prediction(id="1", text="", logprob=-1.0, agreement=share), 8) for share in (1.0, 0.0))
    assert most is not None
    assert none is not None
    assert none < most < -1.0


# --- a run ------------------------------------------------------------------------------


@pytest.fixture
def plugins(project: Path, toy_file: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    monkeypatch.delitem(sys.modules, "support.toy", raising=False)
    return plugin_loading.load([toy_file, toy_file.with_name("unsure.py")])


@pytest.fixture
def run(plugins: Plugins, project: Path, once: Callable[..., None]) -> Run:
    """A run that is calibrated on 300 questions of people, and evaluated."""

    def build() -> None:
        calibrated(trained(plugins, project / "mine", {"train": 5, "validation": 30, "test": 100})).evaluate()

    once("unsure", build)
    return Run.open(project / "mine", plugins=plugins, trusted=True)


def test_evaluation_measures_and_calibrates_nothing(run: Run) -> None:
    before = run.calibration()
    facts = run.stages["evaluate"]["confidence"]
    assert facts.keys() == {"why", "splits"}
    assert 0.7 < facts["splits"]["test"]["auroc"] < 1
    answers = run.confidence()
    assert {answer.split for answer in answers} == {"test"}
    assert all(answer.confidence is not None for answer in answers)  # as people's questions have calibrated it
    assert measured(answers).to_row() == facts["splits"]["test"]
    assert {p.id for p in run.predictions()} == {a.id for a in answers}
    run.evaluate()
    assert run.calibration() == before is not None


def test_evaluation_without_judgements_knows_no_confidence(plugins: Plugins, project: Path) -> None:
    """The validation rows are the task's own: they say how the student answers its maker's questions."""
    run = trained(plugins, project / "other", {"train": 5, "validation": 300, "test": 20})
    run.evaluate()
    assert run.calibration() is None
    assert all(answer.score is not None and answer.confidence is None for answer in run.confidence())


def test_student_abstains_below_the_cut(run: Run) -> None:
    questions = [record.question for record in records("test", 100)]
    with Predictor(run) as usual, Predictor(run, execute=True, max_wrong=0.1) as careful:
        examples = [usual.example(question) for question in questions]
        before, after = usual.answer(examples), careful.answer(examples)
        assert careful.promise is not None
        cut = run.calibration().confidence(careful.promise.cut)  # type: ignore[union-attr, arg-type]
    abstained = [one for one in after if one.abstained]
    assert 0 < len(abstained) < 100
    for one, given in zip(before, after, strict=True):
        assert one.confidence == given.confidence
        assert given.abstained == (one.confidence is not None and one.confidence <= round(cut, 4))
        assert (given.answer, given.withheld) == (("", one.answer) if given.abstained else (one.answer, ""))
    assert all(one.outcome == "ok" for one in after if one.ok)
    assert not any(one.ok or one.outcome or one.refused for one in abstained)
    assert abstained[0].reason.startswith("abstained: the confidence of 0.")
    assert "withheld" in abstained[0].to_row()
    assert "withheld" not in before[0].to_row()


class InWords(Readback):
    def read_back(self, example: Example, answer: str) -> Sequence[Phrase]:
        return [Phrase(text=f"what {answer} is")]


def test_an_answer_that_is_withheld_has_no_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(run.task), "protocols", {**run.task.protocols, Readback: InWords})
    with Predictor(run, max_wrong=0.1) as careful:
        answers = careful.answer([careful.example(record.question) for record in records("test", 100)])
    assert 0 < sum(answered.abstained for answered in answers) < 100
    for answered in answers:
        words = f"what {answered.answer} is" if answered.answer and answered.ok else ""
        assert answered.read_back == words
    assert all("read_back" not in answered.to_row() for answered in answers if answered.abstained)


def test_confidence_of_another_student_is_not_used(run: Run) -> None:
    run.train(restart=True)
    assert run.calibration() is None
    with Predictor(run) as answering:
        assert answering.answer([answering.example("add 3 and 4")])[0].confidence is None
    with pytest.raises(UsageError, match="nobody has judged how 'mine' answers"):
        Predictor(run, max_wrong=0.1)
    assert calibrated(run).calibration() is not None


def test_promise_that_no_cut_keeps_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match=r"no cut holds for: at most 0.1 % .* 300 answers are judged"):
        Predictor(run, max_wrong=0.001)


def test_several_answers_have_no_confidence(run: Run) -> None:
    with Predictor(run) as answering:
        ((one, *_),) = answering.sample([answering.example("add 3 and 4")], 3, temperature=1.0)
        assert one.confidence is None
    with Predictor(run, max_wrong=0.1) as careful, pytest.raises(UsageError, match="does not go with several"):
        careful.sample([careful.example("add 3 and 4")], 3, temperature=1.0)


def test_agreement_of_drawn_answers_is_a_part_of_the_confidence(run: Run, plugins: Plugins) -> None:
    run = Run.open(run.folder, flags={"evaluate.agreement": 4}, plugins=plugins, trusted=True)
    calibrated(run).evaluate()
    found = run.calibration()
    assert found is not None
    assert found.draws == 4
    shares = {p.agreement for p in run.predictions()}
    assert {0.0, 0.25, 0.5, 0.75, 1.0} == shares
    with Predictor(run) as answering:
        (answered,) = answering.answer([answering.example("add 3 and 4")])
    assert answered.confidence is not None


def test_damaged_calibration_is_an_error(run: Run) -> None:
    (run.folder / calibration.FILE).write_text('{"schema_version": 1, "slope": "steep"}\n')
    with pytest.raises(DataError, match="not a valid row"):
        run.calibration()


def test_evaluation_says_why_there_is_no_confidence(plugins: Plugins, project: Path) -> None:
    made = trained(plugins, project / "other", {"train": 5, "test": 3}, train__student="memory")
    assert made.evaluate()["confidence"] == {"why": "these answers have no log-probability"}
    assert (made.calibration(), made.confidence()) == (None, [])


def test_calibration_is_a_row() -> None:
    found = Calibration(slope=1.0, intercept=0.5, scores=(-1.0, -2.0), right=(True, False))
    assert Calibration.from_row(json.loads(json.dumps(found.to_row()))) == found
