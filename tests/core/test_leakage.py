"""Leaks from train into test sets, and duplicate questions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from dstill.api import Check, Example, Task, data_of
from dstill.errors import DataError
from dstill.pipeline.leakage import duplicates, leaks


class Sums(Task):
    """A pack whose questions are about databases."""

    name = "sums"
    data_key = "db"
    data_noun = "database"
    checks: ClassVar[tuple[Check, ...]] = ()

    def examples(self, split: str) -> Iterable[Example]:
        return ()

    def canonical(self, answer: str) -> str:
        return answer.replace(" ", "")


class IndexSums(Sums):
    """A pack with another data key and no noun of its own."""

    data_key = "index"


def row(id: str, question: str = "q", answer: str | None = "1+2", **more: Any) -> Example:
    return Example(id=id, question=question, answer=answer, **more)


@pytest.mark.parametrize(("task", "noun"), [(Sums(), "a database"), (IndexSums(), "an index")])
def test_leaks_into_each_test_set_are_found(task: Task, noun: str) -> None:
    """For any data key of the pack."""
    key = task.data_key
    rows = [
        row("1", "a", template="t", context={key: "i"}, split="train"),
        row("2", "a", context={key: "i"}, split="test"),
        row("3", "a", context={key: "j"}, split="test"),  # about other data: another question
        row("4", "b", template="t", split="test_unseen_templates"),
        row("5", "c", template="u", split="test_unseen_templates"),
        row("6", "d", context={key: "i"}, split="test_unseen_data"),
        row("7", "a", context={key: "i"}, split="validation"),
    ]
    assert [(leak.split, leak.what, leak.ids) for leak in leaks(rows, task)] == [
        ("test", "question", ("2",)),
        ("test_unseen_templates", "template", ("4",)),
        ("test_unseen_data", task.data_noun, ("6",)),
    ]
    assert [str(leak) for leak in leaks(rows, task)] == [
        "1 of 2 items of test shares a question with train",
        "1 of 2 items of test_unseen_templates shares a template with train",
        f"1 of 1 items of test_unseen_data shares {noun} with train",
    ]


def test_golds_of_unseen_templates_are_compared_in_canonical_form() -> None:
    rows = [
        row("1", "a", "1 + 2", split="train"),
        row("2", "b", "1+2", template="t", split="test_unseen_templates"),
        row("3", "c", None, template="u", split="test_unseen_templates"),
    ]
    assert not leaks(rows, Sums())
    [leak] = leaks(rows, Sums(), golds=True)
    assert str(leak) == "1 of 2 items of test_unseen_templates shares a gold with train"


def test_duplicates_distinguish_same_and_conflicting_answers() -> None:
    rows = [
        row("1", "Add one and two", "1+2"),
        row("2", "add one  and two", "1 +2"),
        row("3", "take one", "2-1"),
        row("4", "take one", "1-2"),
        row("5", "take one", "1-2", context={"index": "i"}),
    ]
    found = duplicates(rows, lambda answer: answer.replace(" ", ""))
    assert (found.same, found.conflicting) == ([("1", "2")], [("3", "4")])


@pytest.mark.parametrize("split", ["test_unseen_data", "train"])
def test_row_of_unseen_data_must_name_its_data(split: str) -> None:
    """Without a name a leak could not be found. The error names the row, the key and a fix."""
    named = {"test_unseen_data": {"db": "clinic"}, "train": {"db": "shop"}}
    rows = [row(f"of-{name}", split=name, context={} if name == split else of) for name, of in named.items()]
    with pytest.raises(DataError) as caught:
        leaks(rows, Sums())
    assert caught.value.what == f"row 'of-{split}' of {split} does not say which database it is about"
    assert caught.value.where == f"context of row 'of-{split}'"
    assert '{"db": "NAME"}' in caught.value.hint
    assert not leaks([one for one in rows if one.split != "test_unseen_data"], Sums())  # elsewhere no name is needed


def test_data_name_and_noun() -> None:
    assert data_of(Sums, row("1", context={"db": "shop", "index": "x"})) == "shop"
    assert data_of(Sums, row("1", context={"index": "x"})) == ""
    assert data_of(Sums, row("1", context={"db": 7})) == "7"
    assert (Task.data_key, Task.data_noun) == ("data", "data set")
    assert (IndexSums.data_noun, type("Inherits", (Sums,), {}).data_noun) == ("index", "database")
