"""What sets share with train, and questions that stand there twice."""

from __future__ import annotations

from typing import Any

from dstill.api.records import Example
from dstill.pipeline.leakage import duplicates, leaks


def row(id: str, question: str = "q", answer: str | None = "1+2", **more: Any) -> Example:
    return Example(id=id, question=question, answer=answer, **more)


def test_each_set_is_held_to_its_name() -> None:
    rows = [
        row("1", "a", template="t", context={"index": "i"}, split="train"),
        row("2", "a", context={"index": "i"}, split="test"),
        row("3", "a", context={"index": "j"}, split="test"),  # about other data: another question
        row("4", "b", template="t", split="test_unseen_templates"),
        row("5", "c", template="u", split="test_unseen_templates"),
        row("6", "d", context={"index": "i"}, split="test_unseen_data"),
        row("7", "a", context={"index": "i"}, split="validation"),
    ]
    assert [(leak.split, leak.what, leak.ids) for leak in leaks(rows)] == [
        ("test", "question", ("2",)),
        ("test_unseen_templates", "template", ("4",)),
        ("test_unseen_data", "index", ("6",)),
    ]
    assert [str(leak) for leak in leaks(rows)] == [
        "1 of 2 items of test shares a question with train",
        "1 of 2 items of test_unseen_templates shares a template with train",
        "1 of 1 items of test_unseen_data shares an index with train",
    ]


def test_golds_of_unseen_templates_in_any_spelling() -> None:
    rows = [
        row("1", "a", "1 + 2", split="train"),
        row("2", "b", "1+2", template="t", split="test_unseen_templates"),
        row("3", "c", None, template="u", split="test_unseen_templates"),
    ]
    assert not leaks(rows)
    [leak] = leaks(rows, lambda answer: answer.replace(" ", ""))
    assert str(leak) == "1 of 2 items of test_unseen_templates shares a gold with train"


def test_one_question_with_one_answer_or_several() -> None:
    rows = [
        row("1", "Add one and two", "1+2"),
        row("2", "add one  and two", "1 +2"),
        row("3", "take one", "2-1"),
        row("4", "take one", "1-2"),
        row("5", "take one", "1-2", context={"index": "i"}),
    ]
    found = duplicates(rows, lambda answer: answer.replace(" ", ""))
    assert (found.same, found.conflicting) == ([("1", "2")], [("3", "4")])
