"""Programs of the pack for jq in plain words."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from dstill.api import Example
from dstill.api.protocols import Phrase, Readback

pytest.importorskip("jq", reason="the group 'dev' is not installed: jq")

BOOKS = Example(id="1", question="?", context={"document": "books"})


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parent / "dstill_jq" / "src")
    return importlib.import_module("dstill_jq.pack").JqTask()


def test_phrases_of_program(task: Any) -> None:
    assert Readback.of(task).read_back(BOOKS, '.[] | select(.author.town == "a | [ b") | .title') == [
        Phrase(text="books", kind="data"),
        Phrase(text=", every row", kind="shown", items=[], values=[]),
        Phrase(
            text=', where (its author town is "a | [ b")', kind="condition", items=[".author.town"], values=["a | [ b"]
        ),
        Phrase(text=", its title", kind="shown", items=[".title"], values=[]),
    ]


def test_programs_with_the_same_words_have_the_same_canonical_form(task: Any) -> None:
    golds = [gold for split in ("train", "validation", "test", "test_unseen_data") for gold in task.examples(split)]
    canonical: dict[str, str] = {}
    for gold in golds:
        if not task.is_refusal(gold.answer):
            words = "".join(phrase.text for phrase in Readback.of(task).read_back(gold, gold.answer))
            assert canonical.setdefault(words, task.canonical(gold.answer)) == task.canonical(gold.answer)
