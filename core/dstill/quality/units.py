"""Numbers of a question in another unit than the field has: what an answer makes of them.

    in_both_units(reading, phrases) → Phrase(text=" where body is below 3000 (3 kg)"), …
    other_units(reading, phrases)   → Problem(message="'3 kg' is 3,000 gram, and the answer compares 'body_g' with 3")

The unit of a field is what the task says (the feature ``unit=g`` of an item), or the last part of its name
(``labour_min``). Units are those of pint, which is loaded when a question has one. Currencies are never converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

from dstill.api.protocols import Phrase
from dstill.api.records import Problem, Severity
from dstill.linked import Reading
from dstill.linked.linking import STOP_WORDS, Item

__all__ = ["in_both_units", "other_units"]

_UNIT = "unit="  # begins a feature of an item


def other_units(reading: Reading, phrases: Sequence[Phrase]) -> Iterator[Problem]:
    """A warning for each such number that an answer takes as it is. `phrases`: the answer in words."""
    for phrase, numbers in zip(phrases, _converted_numbers(reading, phrases), strict=True):
        for text, asked, meant, item in numbers:
            if asked in map(_number, phrase.values):
                yield Problem(
                    layer="reading",
                    code="other_unit",
                    message=f"'{text}' is {meant:,g} {_unit_of(item)}, and the answer compares "
                    f"'{item.name}' with {asked:g}",
                    hint="write the number in the unit of the field",
                    severity=Severity.WARNING,
                )


def in_both_units(reading: Reading, phrases: Sequence[Phrase]) -> Sequence[Phrase]:
    """The answer in words, where a number that it converts is also said as the question has it."""
    said = []
    for phrase, numbers in zip(phrases, _converted_numbers(reading, phrases), strict=True):
        for text, _, meant, _ in numbers:
            for value in {value for value in phrase.values if _number(value) == meant}:
                words = re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w.])", f"{value} ({text})", phrase.text, count=1)
                phrase = replace(phrase, text=words)
        said.append(phrase)
    return said


def _converted_numbers(
    reading: Reading, phrases: Sequence[Phrase]
) -> Iterator[Sequence[tuple[str, float, float, Item]]]:
    """For each phrase: "3 kg", 3.0 and 3000.0 for an item in gram that its condition is about."""
    asked = list(_quantities(reading))
    known = {item.name: item for item in reading.items} if asked and find_spec("pint") is not None else {}
    for phrase in phrases:
        items = [known[name] for name in phrase.items if name in known] if phrase.kind == "condition" else []
        yield [
            (text, number, meant, item)
            for text, number, word in asked
            for item in items
            if (meant := _converted(number, word, _unit_of(item))) is not None and meant != number
        ]


def _quantities(reading: Reading) -> Iterator[tuple[str, float, str]]:
    """Numbers of the question with the word after them: its text, 3.0, "kg"."""
    for at, word in enumerate(reading.words[:-1]):
        unit = reading.words[at + 1]
        is_glued = unit.start == word.end
        if word.number is not None and unit.text.isalpha() and (is_glued or unit.text.lower() not in STOP_WORDS):
            yield reading.span(at, at + 1), float(word.number), unit.text


def _unit_of(item: Item) -> str:
    """The unit of an item; empty: it has none."""
    for feature in item.features:
        if feature.startswith(_UNIT):
            return feature.removeprefix(_UNIT)
    first, _, last = item.name.rpartition(".")[2].rpartition("_")
    return last if first else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _converted(number: float, word: str, unit: str) -> float | None:
    """A number of one unit in another one; None: they measure other things, or one of the two measures nothing."""
    asked, own = _parsed(word), _parsed(unit)
    if asked is None or own is None or asked.dimensionality != own.dimensionality or asked.dimensionless:
        return None
    return round(float(_registry().Quantity(number, asked).to(own).magnitude), 9)


@cache
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry()


@cache
def _parsed(word: str) -> Any:
    """The unit that a word names; None: it names none."""
    for name in (word, word.lower()):
        if name.isalpha() and name in _registry():
            return _registry().Unit(name)
    return None
