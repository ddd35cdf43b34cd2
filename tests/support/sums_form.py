"""A small form: sums and differences of columns and numbers.

question "price plus 12", columns price and size   →   answer "price + 12", tokens [3, "+", 2]
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dstill import Check, Task, hookimpl
from dstill.api.form import Cursor, Form, NotExpressible, Token
from dstill.api.protocols import Linked
from dstill.api.records import Example, Problem
from dstill.linked import Item, Reading

__all__ = ["SumsForm", "SumsTask", "examples"]

_NAMES = ("price", "size", "weight", "age", "height", "depth", "score", "rank", "speed", "cost")
_WORDS = {"+": "plus", "-": "minus"}


class SumsForm(Form):
    tokens = ("+", "-")
    features = ("type:number",)
    constrained = True

    def items(self, example: Example) -> Sequence[Item]:
        return [Item(name=name, words=(name,), kind="number") for name in example.context.get("columns", ())]

    def decode(self, tokens: Sequence[Token], reading: Reading) -> str:
        if len(tokens) % 2 == 0:
            raise NotExpressible("an operand is missing")
        for place, token in enumerate(tokens):
            if (place % 2 == 0) is isinstance(token, str):
                raise NotExpressible(f"{token!r} is in the wrong place")
        return super().decode(tokens, reading)

    def start(self, reading: Reading) -> Cursor | None:
        return Place(reading=reading) if self.constrained else None


@dataclass(frozen=True)
class Place(Cursor):
    reading: Reading
    written: int = 0

    def allowed(self) -> Collection[Token]:
        if self.written % 2:
            return frozenset({"+", "-", ""}) if self.written < 5 else frozenset({""})
        words = [number for number, word in enumerate(self.reading.words) if word.kind == "number"]
        return [*words, *range(len(self.reading.words), len(self.reading))]

    def push(self, token: Token) -> Place:
        return Place(self.reading, self.written + 1)


def examples(count: int, seed: int = 0) -> list[Example]:
    """Questions, each about four columns."""
    draw, made = random.Random(seed), []
    for number in range(count):
        columns = draw.sample(_NAMES, 4)
        left, right = draw.choice(columns), draw.choice([*columns, str(draw.randrange(10, 99))])
        sign = draw.choice("+-")
        made.append(
            Example(
                id=f"{seed}-{number}",
                question=f"{left} {_WORDS[sign]} {right}",
                context={"columns": columns},
                answer=f"{left} {sign} {right}",
                rationale=f"It needs {left} and {right}.",
            )
        )
    return made


def _valid(example: Example, answer: str) -> Iterable[Problem]:
    if not re.fullmatch(r"\w+( [+-] \w+)*", answer):
        yield Problem(layer="syntax", code="no_sum", message=f"not a sum: {answer}")


class SumsLinked(Linked):
    def form(self) -> Form:
        return SumsForm()


class SumsTask(Task):
    name = "columns"
    checks = (Check("syntax", _valid, parses=True),)
    protocols: ClassVar = {Linked: SumsLinked}

    def examples(self, split: str) -> Iterable[Example]:
        if split == "test_unseen_data":  # its rows would have to name their data
            return []
        return examples(200 if split == "train" else 40, seed=len(split))


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    return [SumsTask]
