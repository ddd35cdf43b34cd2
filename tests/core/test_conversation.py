"""The conversation of `dstill ask`: an answer that was offered can be taken, and the next question goes on from it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.several import Several

from dstill import Run
from dstill.cli.conversation import Conversation
from dstill.cli.results import MORE, Rows
from dstill.stages.predict.predictor import Predictor

Talk = Callable[[str], str]


@pytest.fixture
def talk(trained_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Talk:
    """What the terminal shows after these lines, for a student that wavers between 1+2 and 1+3."""
    asked = replace(trained_run().answerable(), load=lambda _: Several([("1+2", -0.5), ("1+3", -1.2)]))

    def typed(lines: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        with Predictor(asked, execute=True) as predictor:
            Conversation(predictor, Rows(20, by=MORE), as_json=False).run()
        return "".join(capsys.readouterr())

    return typed


def test_an_offered_answer_is_taken_by_its_number(talk: Talk) -> None:
    shown = talk("add 1 and 2\n1\nexit\n")
    assert shown.startswith("1+2\n3\nor 1: 1+3\n4\n1+3\n4\n")  # the second time in full


def test_nothing_is_offered_after_one_was_taken(talk: Talk) -> None:
    assert talk("add 1 and 2\n1\n1\n").count("or 1: 1+3\n") == 2  # so the second 1 is a question


@pytest.mark.parametrize("line", ["0", "2", "-1", "１", "9" * 50])
def test_other_numbers_are_questions(talk: Talk, line: str) -> None:
    shown = talk(f"add 1 and 2\n{line}\n")
    assert shown.count("or 1: 1+3\n") == (1 if line == "１" else 2)


def test_nothing_is_taken_before_a_question(talk: Talk) -> None:
    assert talk("1\n").count("1+2\n3\n") == 1
