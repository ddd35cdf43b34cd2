"""What `dstill.api.form.Form` gives a form that has only the three methods of its own."""

from __future__ import annotations

from collections.abc import Sequence

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Item, Reading, Schema, read


class Sums(Form):
    """The answer to "x plus 3" is x+3."""

    tokens = ("+",)

    def read(self, example: Example) -> Reading:
        return read(example.question, Schema([Item(name=name, words=(name,), kind="number") for name in ("x", "y")]))

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        places = {item.name: reading.position(number) for number, item in enumerate(reading.items)}
        places |= {word.text: number for number, word in enumerate(reading.words) if word.text not in places}
        parts = answer.split("+")
        if unknown := [part for part in parts if part not in places]:
            raise NotExpressible(f"no position for '{unknown[0]}'")
        return [token for part in parts for token in (places[part], "+")][:-1]

    def decode(self, tokens: Sequence[Token], reading: Reading) -> str:
        return "".join(one if isinstance(one, str) else text(one, reading) for one in tokens)


def text(position: int, reading: Reading) -> str:
    """What an answer has for a position."""
    return reading.words[position].text if position < len(reading.words) else reading.item(position).name


def test_a_form_points_and_comes_back() -> None:
    form = Sums()
    reading = form.read(Example(id="1", question="x plus 3"))
    assert form.encode("x+3", reading) == [3, "+", 2]
    assert form.decode([3, "+", 2], reading) == "x+3"


def test_a_rationale_is_the_items_of_the_answer_in_its_order() -> None:
    form = Sums()
    reading = form.read(Example(id="1", question="y plus x"))
    assert form.encode_rationale("first y, then x", "x+y", reading) == [4, 3]
    assert form.encode_rationale("only y is named", "x+y", reading) == [4]


def test_any_sequence_may_be_written_by_default() -> None:
    form = Sums()
    assert form.start(form.read(Example(id="1", question="x"))) is None
