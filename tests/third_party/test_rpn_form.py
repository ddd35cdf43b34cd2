"""A form in a few lines, in this process: programs as tokens, and a student that learns to write them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.third_party.conftest import RPN

from dstill.api import SPLITS, Example, ModelInput, NotExpressible, Pair, Record, Task, TrainingJob
from dstill.api.recipe import Device, Recipe
from dstill_finetune.modalities import Full
from dstill_finetune.objectives import LabelOnly
from dstill_linked.student import LinkedConfig, LinkedStudent

CPU = Device(name="test CPU", kind="cpu", total=2**34, free=2**34)
SMALL = LinkedConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1, hidden=64, longest=8)
RECIPE = Recipe(
    learning_rate=6e-3,
    per_device_train_batch_size=24,
    max_steps=60,
    warmup_ratio=0.1,
    threads=1,
    test_largest_batch=False,
    report_to="none",
)


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(RPN / "src"))
    from dstill_rpn.pack import Rpn

    return Rpn()


def test_round_trip_of_every_question(task: Any) -> None:
    form = task.form()
    asked = [example for split in SPLITS for example in task.examples(split)]
    assert len(asked) > 2500
    for example in asked:
        reading = form.read(example)
        tokens = form.encode(example.answer, reading)
        assert form.decode(tokens, reading) == task.canonical(example.answer)
        place = form.start(reading)
        for token in tokens:
            assert token in place.allowed()
            place = place.push(token)
        assert "" in place.allowed()


def test_parts_that_a_question_lacks_are_not_expressible(task: Any) -> None:
    form = task.form()
    reading = form.read(Example(id="1", question="take 4, add 4"))
    assert form.encode("4 4 +", reading) == [1, 4, "+"]
    with pytest.raises(NotExpressible, match="'5' is neither a token nor in the question or its schema"):
        form.encode("4 5 +", reading)


def test_student_learns_its_questions(task: Any, tmp_path: Path) -> None:
    asked = list(itertools.islice(task.examples("train"), 240))
    student = LinkedStudent(SMALL)
    student.form = task.form()
    fitted = student.fit(
        TrainingJob(
            train=[_pairs(one, task) for one in asked],
            validation=(),
            modality=Full(),
            recipe=RECIPE,
            device=CPU,
            folder=tmp_path,
            seed=0,
        )
    )
    assert fitted.n_not_expressible == 0
    generator = student.load(tmp_path)
    unseen = list(itertools.islice(task.examples("test_unseen_templates"), 60))
    for some, least in ((asked[:60], 55), (unseen, 40)):  # it learned 60 and 57
        sources = [ModelInput(text=f"predict: {one.question}", example=one) for one in some]
        written = [one.text for one in generator.generate(sources)]
        assert sum(text == one.answer for text, one in zip(written, some, strict=True)) >= least
        assert not any(list(task.checks[0].run(one, text)) for text, one in zip(written, some, strict=True))


def _pairs(example: Example, task: Task) -> tuple[Pair, ...]:
    record = Record(id=example.id, question=example.question, rationale="", answer=example.answer or "")
    return tuple(LabelOnly().pairs(record, task))
