"""A form in a few lines: programs as tokens and back, and what may be written. `test_rpn` trains a student with it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.third_party.conftest import RPN

from dstill.api import TASK_SPLITS, Example, NotExpressible
from dstill.api.protocols import Linked


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(RPN / "src"))
    from dstill_rpn.pack import Rpn

    return Rpn()


def test_round_trip_of_every_question(task: Any) -> None:
    form = Linked.of(task).form()
    asked = [example for split in TASK_SPLITS for example in task.examples(split)]
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


def test_whatever_may_be_written_is_a_program(task: Any) -> None:
    form, draw = Linked.of(task).form(), random.Random(0)
    example = Example(id="1", question="take x, add 4, then multiply by y and subtract 7")
    reading = form.read(example)
    written = set()
    for _ in range(300):
        tokens: list[Any] = []
        place = form.start(reading)
        while token := draw.choice(place.allowed()):
            tokens.append(token)
            place = place.push(token)
        written.add(form.decode(tokens, reading))
    assert len(written) > 100
    assert [text for text in written if list(task.checks[0].run(example, text))] == []


def test_parts_that_a_question_lacks_are_not_expressible(task: Any) -> None:
    form = Linked.of(task).form()
    reading = form.read(Example(id="1", question="take 4, add 4"))
    assert form.encode("4 4 +", reading) == [1, 4, "+"]
    with pytest.raises(NotExpressible, match="'5' is neither a token nor in the question or its schema"):
        form.encode("4 5 +", reading)
