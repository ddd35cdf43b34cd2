"""Questions that go on from the one before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.protocols import Phrase
from dstill.linked import Item, Reading, Schema, read
from dstill.linked.dialogue import first_of, joined
from dstill.linked.names import stems
from dstill.stages.predict.follow_up import Turn, goes_on, in_full

SCHEMA = Schema(
    [
        Item(name="orders.city", words=tuple(stems("city")), above=("order",), kind="text", values=("Oslo", "Bergen")),
        Item(name="orders.price", words=tuple(stems("price")), above=("order",), kind="number"),
        Item(name="orders.paid", words=tuple(stems("paid")), above=("order",), kind="boolean"),
    ]
)
BEFORE = Turn(
    question="prices of the orders from Oslo",
    phrases=(
        Phrase(text="orders", kind="data"),
        Phrase(text=" where city is 'Oslo'", kind="condition", items=("orders.city",), values=("Oslo",)),
        Phrase(text=", showing price", kind="shown", items=("orders.price",)),
    ),
)


def reading(question: str) -> Reading:
    return read(question, SCHEMA)


@pytest.mark.parametrize(
    "question",
    [
        "only those from Bergen", "and by city?", "How many are there?", "what about Bergen?", "sort them by price",
        "which of them are paid?", "What is their price?", "show the city too", "the cheapest one", "per city",
        "what is the price of that order?", "show the price instead", "ok, and the paid orders?",
        "how many of those are paid",
    ],
)  # fmt: skip
def test_a_question_goes_on(question: str) -> None:
    assert goes_on(reading(question))


@pytest.mark.parametrize(
    "question",
    [
        "orders from Oslo", "how many orders are paid", "show the cities and their orders",
        "list the price of each order", "for each city, what is the average price?",
        "in which city is the cheapest order?", "which orders have no price",
        "the orders that cost more than 5", "average price by city", "sort the orders by price",
    ],
)  # fmt: skip
def test_a_question_stands_alone(question: str) -> None:
    assert not goes_on(reading(question))


@pytest.mark.parametrize(
    ("question", "full"),
    [
        ("only the paid ones?", "prices of the orders from Oslo.\nonly the paid ones?"),
        ("how many are there?", "how many orders where city is 'Oslo' are there?"),
        ("And how many of those are paid?", "how many orders where city is 'Oslo' are paid?"),
        ("what about Bergen?", "orders, showing price.\nwhat about Bergen?"),  # another city, not both
        ("and Bergen?", "orders, showing price.\nand Bergen?"),
        ("and their city?", "prices of the orders from Oslo.\nand their city?"),
        ("what about those over 5?", "prices of the orders from Oslo.\nwhat about those over 5?"),
    ],
)
def test_a_question_in_full(question: str, full: str) -> None:
    assert in_full(reading(question), BEFORE) == full


def test_another_measure_takes_the_place_of_the_one_before() -> None:
    highest = Turn(question="highest price of the orders", phrases=BEFORE.phrases)
    assert in_full(reading("what about the lowest?"), highest) == "lowest price of the orders"
    assert in_full(reading("what about the average price"), highest) == "average price of the orders"
    assert (
        in_full(reading("and the lowest in Oslo?"), highest) == "highest price of the orders.\nand the lowest in Oslo?"
    )


def test_another_date_takes_the_place_of_the_one_before() -> None:
    in_may = Phrase(text=" where day is in May 2026", kind="condition", items=("orders.day",), values=("2026-05",))
    before = Turn(question="orders in May 2026", phrases=(BEFORE.phrases[0], in_may))
    assert in_full(reading("and in June 2026?"), before) == "orders.\nand in June 2026?"
    assert in_full(reading("and by price?"), before) == "orders in May 2026.\nand by price?"


def test_a_narrower_question_is_replaced_by_the_next_one() -> None:
    narrowed = Turn(question="orders from Oslo.\nonly those over 5", phrases=BEFORE.phrases)
    assert in_full(reading("what about those that are paid?"), narrowed).endswith(
        "showing price.\nwhat about those that are paid?"
    )
    assert in_full(reading("what about paid ones?"), narrowed) == "orders from Oslo.\nwhat about paid ones?"


def test_different_values_are_not_counted_as_rows() -> None:
    different = Turn(question="which different cities are there?", phrases=BEFORE.phrases)
    assert (
        in_full(reading("how many are there?"), different) == "which different cities are there.\nhow many are there?"
    )


def test_an_answer_without_words_leaves_the_question() -> None:
    failed = Turn(question="orders from Oslo.\nonly paid ones")
    assert in_full(reading("how many are there?"), failed) == "orders from Oslo.\nonly paid ones.\nhow many are there?"


@given(st.text(min_size=1).filter(lambda text: text.strip()), st.text(min_size=1))
def test_what_a_question_goes_on_from_is_known(first: str, then: str) -> None:
    text = joined(first, then)
    assert text.endswith(then)
    assert first_of(text) == first.rstrip(" .?!") or ".\n" in then
    assert first_of(first) == "" or ".\n" in first


def test_forty_turns_do_not_grow() -> None:
    turn = BEFORE
    for number in range(40):
        turn = Turn(question=in_full(reading(f"only those over {number}"), turn), phrases=BEFORE.phrases)
    assert turn.question == "orders where city is 'Oslo', showing price.\nonly those over 39"
