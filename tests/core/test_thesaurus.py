"""What people say and the words of fields: the table is tidy, forms are found, and questions link."""

from collections import Counter

import pytest

from dstill.linked import Item, Schema, words
from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import stems
from dstill.linked.thesaurus import meant, rows


def test_rows_are_tidy() -> None:
    groups = Counter[frozenset[str]]()
    for group, people in rows():
        row = [*group, *people]
        assert len(row) == len(set(row)) > 1, row
        assert all(word.isalnum() and word == word.lower() for word in row), row
        assert STOP_WORDS.isdisjoint(people), row
        groups[frozenset(group)] += 1
    assert max(groups.values()) == 1


def test_a_word_stands_for_few_others() -> None:
    said = {word for row in rows() for part in row for word in part}
    assert max(len(meant(word)) for word in said) <= 15
    assert all(word not in meant(word) for word in said)


@pytest.mark.parametrize("word", ["name", "type", "value", "id", "count", "data"])
def test_words_of_many_fields_stand_for_little(word: str) -> None:
    assert len(meant(word)) <= 4


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("spent", "price"), ("cheapest", "cost"), ("pricier", "fee"), ("boss", "manager"), ("bigger", "size"),
        ("situated", "location"), ("costs", "price"), ("sickest", "patient"), ("quantity", "qty"), ("dob", "birthday"),
        ("shipped", "delivery"), ("driest", "rainfall"), ("delivered", "shipping"),
    ],
)  # fmt: skip
def test_forms_of_a_word_are_found(said: str, field: str) -> None:
    assert field in meant(said)


@pytest.mark.parametrize("word", ["where", "by", "of", "xyzzy", "er", "ing", ""])
def test_other_words_stand_for_nothing(word: str) -> None:
    assert meant(word) == ()


@pytest.mark.parametrize(
    ("question", "field"),
    [("the most expensive hotels", "unit_price"), ("tickets of my boss", "manager.email"), ("5 longest", "took_ms")],
)
def test_questions_link(question: str, field: str) -> None:
    parent, _, name = field.rpartition(".")
    schema = Schema([Item(name=field, words=tuple(stems(name)), above=tuple(stems(parent)), kind="keyword")], meant)
    assert set(schema.link(question, words(question)).values()) == {"above" if parent else "description"}
