"""Leaks from train into test sets, and duplicate questions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from dstill.api import Check, Example, Task, data_of
from dstill.errors import DataError
from dstill.inputs.leakage import duplicates, leaks, refuse_leaks


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
    assert [(leak.split, leak.what, leak.ids, leak.other, leak.other_id) for leak in leaks(rows, task)] == [
        ("test", "question", ("2",), "train", "1"),
        ("test_unseen_templates", "template", ("4",), "train", "1"),
        ("test_unseen_data", task.data_noun, ("6",), "train", "1"),
        ("test_unseen_data", task.data_noun, ("6",), "validation", "7"),
        ("test_unseen_data", task.data_noun, ("6",), "test", "2"),
    ]
    assert [str(leak) for leak in leaks(rows, task)] == [
        "1 of 2 items of test shares a question with train",
        "1 of 2 items of test_unseen_templates shares a template with train",
        *(f"1 of 1 items of test_unseen_data shares {noun} with {other}" for other in ("train", "validation", "test")),
    ]
    assert [leak.what for leak in leaks(rows, task, questions=False)] == ["template", *[task.data_noun] * 3]


SCHEMA = {"tables": {"sales": ["day", "item"]}}


class WithSchemas(Sums):
    """A pack that says what describes its data."""

    schema_keys = ("schema",)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("seen", "unseen"),
    [
        ({"db": "shop"}, {"db": "Shop "}),
        ({"db": "logs-a"}, {"db": "LOGS-A"}),
        ({"db": "logs-a"}, {"db": "logs-a "}),
        ({"db": "shop"}, {"db": ["shop"]}),
        ({"db": "the shop"}, {"db": "the\u00a0 shop"}),
        ({"db": "caf\u00e9"}, {"db": "cafe\u0301"}),
        ({"db": ["a", "b"]}, {"db": ["B", "a"]}),
        ({"db": 7}, {"db": "7"}),
        ({"db": "shop", "schema": SCHEMA}, {"db": "store", "schema": SCHEMA}),
        ({"db": "shop", "tables": ["sales"]}, {"db": "store", "tables": ["sales"]}),
        (
            {"db": "shop", "ddl": "CREATE TABLE sales (day DATE)"},
            {"db": "store", "ddl": "CREATE TABLE sales (day DATE)"},
        ),
    ],
)
def test_finds_same_data_under_another_spelling_or_name(
    seen: dict[str, Any], unseen: dict[str, Any], split: str
) -> None:
    rows = [row("1", context=seen, split=split), row("2", "r", context=unseen, split="test_unseen_data")]
    [leak] = leaks(rows, Sums())
    assert (leak.other, leak.ids, leak.other_id) == (split, ("2",), "1")
    with pytest.raises(DataError, match=f"shares a database with {split}") as caught:
        refuse_leaks(rows, Sums(), questions=False)
    assert caught.value.where == f"the splits test_unseen_data and {split}: rows '2' and '1'"


@pytest.mark.parametrize(
    ("seen", "unseen"),
    [
        ({"db": "shop"}, {"db": "shops"}),
        ({"db": "shop", "schema": SCHEMA}, {"db": "clinic"}),  # not described
        ({"db": "shop", "schema": SCHEMA}, {"db": "clinic", "schema": {"tables": {}}}),
        ({"db": "shop", "schema": {}, "values": []}, {"db": "clinic", "schema": {}, "values": []}),
        ({"db": "shop", "variant": 2}, {"db": "clinic", "variant": 2}),  # what does not describe data
        (
            {"db": "shop", "dialect": "sqlite", "now": "2025-01-01 10:00 UTC"},
            {"db": "clinic", "dialect": "sqlite", "now": "2025-01-01 10:00 UTC"},
        ),
    ],
)
def test_different_data_is_unseen(seen: dict[str, Any], unseen: dict[str, Any]) -> None:
    rows = [row("1", context=seen, split="train"), row("2", "r", context=unseen, split="test_unseen_data")]
    assert leaks(rows, Sums()) == []


def test_schema_keys_declare_what_describes_the_data() -> None:
    """Then all else in the context may differ, or be the same."""
    seen = row("1", context={"db": "shop", "schema": SCHEMA, "limits": {"rows": 9}}, split="train")
    same = row("2", "r", context={"db": "store", "schema": SCHEMA, "now": 1}, split="test_unseen_data")
    other = row("3", "s", context={"db": "clinic", "limits": {"rows": 9}}, split="test_unseen_data")
    [leak] = leaks([seen, same, other], WithSchemas())
    assert leak.ids == ("2",)


def test_splits_of_seen_data_may_share_data() -> None:
    rows = [
        row(str(n), split, context={"db": "shop", "schema": SCHEMA}, split=split)
        for n, split in enumerate(("train", "validation", "test", "test_unseen_templates"))
    ]
    assert leaks(rows, Sums()) == []


def test_golds_of_unseen_templates_are_compared_in_canonical_form() -> None:
    rows = [
        row("1", "a", "1 + 2", split="train"),
        row("2", "b", "1+2", template="t", split="test_unseen_templates"),
        row("3", "c", None, template="u", split="test_unseen_templates"),
    ]
    assert not leaks(rows, Sums())
    [leak] = leaks(rows, Sums(), golds=True)
    assert str(leak) == "1 of 2 items of test_unseen_templates shares a gold with train"


def test_refusals_are_not_compared() -> None:
    class Refusing(Sums):
        def is_refusal(self, answer: str) -> bool:
            return answer == "none"

    rows = [
        row("1", "sing", "none", split="train"),
        row("2", "dance", "none", template="t", split="test_unseen_templates"),
    ]
    assert leaks(rows, Sums(), golds=True)
    assert leaks(rows, Refusing(), golds=True) == []


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


@pytest.mark.parametrize("name", [None, "", " ", [], [" "], {}])
@pytest.mark.parametrize("split", ["test_unseen_data", "train", "validation", "test"])
def test_rows_must_name_their_data_if_a_split_is_unseen(split: str, name: Any) -> None:
    """Without a name a leak could not be found. The error names the row, the key and a fix."""
    named = {"test_unseen_data": "clinic", "train": "shop", "validation": "shop", "test": "shop"}
    rows = [row(f"of-{one}", one, split=one, context={"db": name if one == split else of}) for one, of in named.items()]
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
