"""Texts of an answer that the data do not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import pytest
from support.toy import Toy

from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill.stages.predict.value_lookup import MOST_TEXTS, Corrected, with_values_of_the_data

DATA = {
    "town": ["Spring Valley", "Aarhus", "IN_TRANSIT", "Ribe"],
    "name": ["Rosa Winther", "Odense", "Jon Dahl", "Jan Dahl"],
    "code": [],
}
ASKED = Example(id="1", question="?")


class Lookup(ValueLookup):
    """Answers are ``item=text`` with ``&`` between them."""

    def named_values(self, example: Example, answer: str) -> Iterable[NamedValue]:
        return [NamedValue(item=part.partition("=")[0], text=part.partition("=")[2]) for part in answer.split("&")]

    def items_beside(self, example: Example, item: str) -> Iterable[str]:
        return [name for name in DATA if name != item]

    def values_query(self, example: Example, item: str, most: int) -> str:
        return f"?{item}"

    def listed_values(self, value: Any) -> Sequence[str]:
        return list(value)

    def with_value(self, example: Example, answer: str, old: NamedValue, new: NamedValue) -> str:
        return answer.replace(f"{old.item}={old.text}", f"{new.item}={new.text}")


class Texts(Toy):
    protocols: ClassVar = {ValueLookup: Lookup}


def corrected(answer: str, run: Any = lambda query: DATA[query[1:]]) -> Corrected | None:
    return with_values_of_the_data(Texts(), ASKED, answer, run)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("town=aarhus", "town=Aarhus"),  # in another case
        ("town=in transit", "town=IN_TRANSIT"),  # with other separators
        ("town=spring", "town=Spring Valley"),  # the only value that has the word
        ("town=Spring Vallley", "town=Spring Valley"),  # misspelled
        ("town=odense", "name=Odense"),  # of another item
        ("code=Ribe", "town=Ribe"),  # the item has no values
        ("town=arhus&name=rosa winther", "town=Aarhus&name=Rosa Winther"),
    ],
)
def test_the_value_that_is_meant_is_written(answer: str, meant: str) -> None:
    result = corrected(answer)
    assert result is not None
    assert result.answer == meant


@pytest.mark.parametrize("answer", ["town=Ribe", "town=Copenhagen", "name=Jen Dahl", "town="])
def test_values_texts_like_none_and_texts_like_two_stay(answer: str) -> None:
    assert corrected(answer) is None


def test_changes_say_what_was_read_as_what() -> None:
    result = corrected("town=arhus&town=odense")
    assert result is not None
    assert list(result.changes) == [
        "town has no 'arhus': read as 'Aarhus'",
        "town has no 'odense': read as 'Odense' of name",
    ]


def test_each_item_is_read_once_and_few_texts_are_looked_up() -> None:
    queries: list[str] = []

    def run(query: str) -> list[str]:
        queries.append(query)
        return DATA[query[1:]]

    answer = "&".join(f"town={text}" for text in ("zzz", "yyy", "xxx", "aarhus"))
    assert len(answer.split("&")) > MOST_TEXTS
    assert corrected(answer, run) is None
    assert queries == ["?town", "?name", "?code"]


def test_without_a_result_nothing_is_changed() -> None:
    assert corrected("town=aarhus", lambda query: None) is None
    assert with_values_of_the_data(Toy(), ASKED, "town=aarhus", lambda query: ["Aarhus"]) is None
