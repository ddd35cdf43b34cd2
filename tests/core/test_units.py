"""Numbers in another unit than the field has."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.protocols import Phrase
from dstill.linked import Item, Schema, read
from dstill.quality.units import in_both_units, in_units_of_fields, wrong_units

ITEMS = [
    Item(name="jobs.labour_min", words=("labour", "min"), kind="integer"),
    Item(name="body.mass", words=("mass",), kind="double", features=("unit=g",)),
    Item(name="speed_kts", words=("speed",), kind="double"),
    Item(name="temp_degC", words=("temp",), kind="double"),
    Item(name="price_usd", words=("price",), kind="double"),
    Item(name="m", words=("m",), kind="double"),
    Item(name="honey_kg", words=("honey", "kg"), kind="double"),
    Item(name="hectares", words=("hectare",), kind="double"),
    Item(name="size", words=("size",), kind="integer"),
]


def in_words(item: str, *values: str, kind: str = "condition") -> list[Phrase]:
    return [Phrase(text="", kind=kind, items=(item,), values=values)]


def messages(question: str, item: str, *values: str, kind: str = "condition") -> list[str]:
    phrases = in_words(item, *values, kind=kind)
    return [problem.message for problem in wrong_units(read(question, Schema(ITEMS)), phrases)]


@pytest.mark.parametrize(
    ("question", "item", "value", "meant"),
    [
        ("jobs over 2 hours", "jobs.labour_min", "2", "'2 hours' is 120 min"),
        ("jobs over 2h", "jobs.labour_min", "2", "'2h' is 120 min"),
        ("penguins below 3 kg", "body.mass", "3", "'3 kg' is 3,000 g"),
        ("penguins below 3.5 Pounds", "body.mass", "3.5", "'3.5 Pounds' is 1,587.57 g"),
        ("faster than 90 mph", "speed_kts", "90", "'90 mph' is 78.2079 kts"),
        ("above 77 degF", "temp_degC", "77", "'77 degF' is 25 degC"),
    ],
)
def test_a_number_in_another_unit_has_a_warning(question: str, item: str, value: str, meant: str) -> None:
    (message,) = messages(question, item, value)
    assert message.startswith(f"{meant}, and the answer compares '{item}' with {value}")


@pytest.mark.parametrize(
    ("question", "item", "value"),
    [
        ("jobs over 2 hours", "jobs.labour_min", "120"),  # converted
        ("jobs over 2 minutes", "jobs.labour_min", "2"),
        ("jobs over 2 hours", "size", "2"),  # no unit is known
        ("more than 2 mechanics", "jobs.labour_min", "2"),
        ("over 2 euros", "price_usd", "2"),
        ("over 2 km", "m", "2"),  # a whole name
        ("over 20 in the year", "m", "20"),
        ("the last 2 hours", "elsewhere", "2"),
        ("", "size", "2"),
    ],
)
def test_other_numbers_have_none(question: str, item: str, value: str) -> None:
    assert messages(question, item, value) == []
    assert messages("jobs over 2 hours", "jobs.labour_min", "2", kind="limit") == []


@pytest.mark.parametrize(
    ("question", "item", "value", "words", "both"),
    [
        ("jobs over 2 hours", "jobs.labour_min", "120", "is more than 120", "is more than 120 (2 hours)"),
        ("below 3 kg", "body.mass", "3000.0", " under 3000.0, or 3000.05", " under 3000.0 (3 kg), or 3000.05"),
        ("jobs over 2 hours", "jobs.labour_min", "2", "is more than 2", "is more than 2"),
        ("jobs over 120 minutes", "jobs.labour_min", "120", "is more than 120", "is more than 120"),
        ("over 2 hours", "size", "120", "is more than 120", "is more than 120"),
    ],
)
def test_a_converted_number_is_said_in_both_units(question: str, item: str, value: str, words: str, both: str) -> None:
    phrases = [Phrase(text="jobs where "), Phrase(text=words, kind="condition", items=(item,), values=(value,))]
    said = in_both_units(read(question, Schema(ITEMS)), phrases)
    assert "".join(phrase.text for phrase in said) == f"jobs where {both}"


def test_a_number_of_another_dimension_has_a_warning() -> None:
    (message,) = messages("jobs over 2 kg", "jobs.labour_min", "2")
    assert message == "'2 kg' cannot be in min, and the answer compares 'jobs.labour_min' with 2"
    assert messages("bigger than 5 acres", "hectares", "5")[0].startswith("'5 acres' is 2.02344 hectares")


def test_a_decimal_comma_in_front_of_a_unit_has_a_warning() -> None:
    for number in ("1,5 hours", "2h30", "1e3 hours"):
        messages_ = messages(f"jobs over {number}", "jobs.labour_min", "300")
        assert messages_ == [f"'{number.split()[0]}' is not read as one number"]
    assert messages("jobs over 1,500 minutes", "jobs.labour_min", "1500") == []


@pytest.mark.parametrize(
    ("question", "item", "answer", "converted"),
    [
        ("over 2 hours", "jobs.labour_min", "WHERE labour_min > 2 LIMIT 3", "WHERE labour_min > 120 LIMIT 3"),
        ("over 2.5 hours", "jobs.labour_min", "labour_min > 2.5", "labour_min > 150"),
        ("below 3 kg", "body.mass", '{"lt":3}', '{"lt":3000}'),
        ("over 20 lb", "honey_kg", "honey_kg > 20.0", "honey_kg > 9.07185"),
        ("over 2 hours and 30 minutes", "jobs.labour_min", "labour_min > 30", "labour_min > 150"),
        ("over 2h 30min", "jobs.labour_min", "labour_min > 2", "labour_min > 150"),
        ("between 1 and 2 hours", "jobs.labour_min", "labour_min BETWEEN 1 AND 120", "labour_min BETWEEN 60 AND 120"),
        ("over 2 hours", "jobs.labour_min", "labour_min > 2 LIMIT 2", None),  # no telling which
        ("over 2 hours", "jobs.labour_min", "labour_min > 120", None),
        ("over 2 kg", "jobs.labour_min", "labour_min > 2", None),
        ("over 2", "jobs.labour_min", "labour_min > 2", None),
        ("2 mechanics", "size", "size = 2", None),
    ],
)
def test_numbers_are_converted_where_one_place_has_them(
    question: str, item: str, answer: str, converted: str | None
) -> None:
    values = re.findall(r"[\d.]+", answer.partition("LIMIT")[0])
    assert in_units_of_fields(read(question, Schema(ITEMS)), in_words(item, *values), answer) == converted


@given(st.text(max_size=30), st.sampled_from([item.name for item in ITEMS]), st.text(max_size=4))
def test_no_question_breaks_it(question: str, item: str, value: str) -> None:
    assert all("\n" not in message or "\n" in question for message in messages(question, item, value, "2"))
