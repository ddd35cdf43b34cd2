"""Numbers of a question in another unit than the field has: what an answer makes of them.

    in_units_of_fields(reading, phrases, "SELECT … WHERE body_g < 3")    → "SELECT … WHERE body_g < 3000"
    in_both_units(reading, phrases) → Phrase(text=" where body is below 3000 (3 kg)"), …
    wrong_units(reading, phrases)   → Problem(message="'3 kg' is 3,000 g, and the answer compares 'body_g' with 3"), …

The unit of a field is what the task says (the feature ``unit=g`` of an item), the last part of its name
(``labour_min``) or its name (``hectares``). Units are those of pint, which is loaded when a question has one.
Currencies are never converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import Any

from dstill.api.protocols import Phrase
from dstill.api.records import Problem, Severity
from dstill.linked import Reading
from dstill.linked.linking import STOP_WORDS, Item
from dstill.linked.words import Word

__all__ = ["in_both_units", "in_units_of_fields", "wrong_units"]

_UNIT = "unit="  # begins a feature of an item
_WHOLE = 4  # letters of a field's name that is a unit
_OF_RANGES = ("and", "to", "or", "-", "\u2013")
_DEGREES = {"c": "degC", "f": "degF"}  # as names of fields shorten them


@dataclass(frozen=True, kw_only=True)
class _Quantity:
    """A number with a unit, as a question has it."""

    text: str  # "2 hours and 30 minutes"
    numbers: Sequence[float]  # that an answer may have taken from it: 2 and 30
    total: float  # in its unit: 2.5
    unit: str  # a word: "hours"


@dataclass(frozen=True, kw_only=True)
class _Compared:
    """A quantity, and a field that a condition compares."""

    quantity: _Quantity
    item: Item
    unit: str  # of the field
    meant: float | None  # the number in that unit; None: the quantity is of another dimension


def wrong_units(reading: Reading, phrases: Sequence[Phrase]) -> Iterator[Problem]:
    """Warnings about numbers that an answer takes as they are. `phrases`: the answer in words."""
    for phrase, compared in zip(phrases, _compared(reading, phrases), strict=True):
        values = [number for number in map(_number, phrase.values) if number is not None]
        for one in compared:
            if not (taken := [number for number in one.quantity.numbers if number in values]) or one.meant in values:
                continue
            if one.meant is None:
                code, what = "other_dimension", f"'{one.quantity.text}' cannot be in {one.unit}"
            else:
                code, what = "other_unit", f"'{one.quantity.text}' is {one.meant:,g} {one.unit}"
            message = f"{what}, and the answer compares '{one.item.name}' with {taken[0]:g}"
            yield _warning(code, message, "write the number in the unit of the field")
    for text in _in_two_parts(reading):
        yield _warning("two_numbers", f"'{text}' is not read as one number", "write 1.5, or 1 hour and 30 minutes")


def in_units_of_fields(reading: Reading, phrases: Sequence[Phrase], answer: str) -> str | None:
    """The answer with the numbers in the units of its fields; None: nothing can be converted."""
    converted = answer
    for phrase, compared in zip(phrases, _compared(reading, phrases), strict=True):
        for one in compared:
            taken = [number for number in one.quantity.numbers if number in map(_number, phrase.values)]
            if one.meant is None or len(taken) != 1 or one.meant in map(_number, phrase.values):
                continue
            places = list(re.finditer(rf"(?<![\w.]){re.escape(f'{taken[0]:g}')}(?:\.0)?(?![\w.])", converted))
            if len(places) != 1:
                return None
            converted = f"{converted[: places[0].start()]}{one.meant:.10g}{converted[places[0].end() :]}"
    return converted if converted != answer else None


def in_both_units(reading: Reading, phrases: Sequence[Phrase]) -> Sequence[Phrase]:
    """The answer in words, where a number that it converts is also said as the question has it."""
    said = []
    for phrase, compared in zip(phrases, _compared(reading, phrases), strict=True):
        for one in compared:
            for value in {value for value in phrase.values if one.meant is not None and _number(value) == one.meant}:
                both = f"{value} ({one.quantity.text})"
                words = re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w.])", both, phrase.text, count=1)
                phrase = replace(phrase, text=words)
        said.append(phrase)
    return said


def _warning(code: str, message: str, hint: str) -> Problem:
    return Problem(layer="reading", code=code, message=message, hint=hint, severity=Severity.WARNING)


def _compared(reading: Reading, phrases: Sequence[Phrase]) -> Iterator[Sequence[_Compared]]:
    """For each phrase: the quantities in other units than the fields of its condition."""
    known = {item.name: item for item in reading.items if _unit_of(item)} if find_spec("pint") is not None else {}
    for phrase in phrases:
        has_number = phrase.kind == "condition" and any(_number(value) is not None for value in phrase.values)
        items = [known[name] for name in phrase.items if name in known] if has_number else []
        asked = _quantities(reading) if items else ()  # pint takes half a second to load
        pairs = [(quantity, item, _unit_of(item)) for quantity in asked for item in items]
        yield [
            _Compared(quantity=quantity, item=item, unit=unit, meant=_converted(quantity.total, quantity.unit, unit))
            for quantity, item, unit in pairs
            if _parsed(unit) is not None and _converted(quantity.total, quantity.unit, unit) != quantity.total
        ]


def _quantities(reading: Reading) -> Iterator[_Quantity]:
    """Numbers of the question with the word after them; of a range, the first number too."""
    broken = {word.start for word, _ in _broken(reading)}
    words, at = reading.words, 0
    while at < len(words) - 1:
        number, unit = words[at].number, _word_of_unit(reading, at + 1)
        if number is None or words[at].start in broken:
            at += 1
        elif unit:
            first, more = at, _more(reading, at + 2, unit)
            at = more[0] if more else at + 2
            numbers = (float(number), *(more[1:2] if more else ()))
            total = float(number) + (more[2] if more else 0.0)
            yield _Quantity(text=reading.span(first, at - 1), numbers=numbers, total=total, unit=unit)
        elif (after := _end_of_range(reading, at + 1)) and (unit := _word_of_unit(reading, after + 1)):
            text = f"{reading.span(at, at)} {unit}"
            yield _Quantity(text=text, numbers=(float(number),), total=float(number), unit=unit)
            at += 1
        else:
            at += 1


def _word_of_unit(reading: Reading, at: int) -> str:
    """The word at a place if it names a unit; empty: it does not."""
    if not 0 < at < len(reading.words):
        return ""
    unit = reading.words[at]
    is_glued = unit.start == reading.words[at - 1].end
    is_word = unit.text.isalpha() and (is_glued or unit.text.lower() not in STOP_WORDS)
    return unit.text if is_word and find_spec("pint") is not None and _parsed(unit.text) is not None else ""


def _more(reading: Reading, at: int, unit: str) -> tuple[int, float, float] | None:
    """What goes on with "and 30 minutes": the place after it, its number, and that number in `unit`; None: nothing."""
    words = reading.words
    at += at < len(words) and words[at].text.lower() == "and"
    number = words[at].number if at < len(words) else None
    if number is None or not (smaller := _word_of_unit(reading, at + 1)):
        return None
    converted = _converted(float(number), smaller, unit)
    is_smaller = (of_one := _converted(1.0, smaller, unit)) is not None and of_one < 1
    return (at + 2, float(number), converted) if converted is not None and is_smaller else None


def _end_of_range(reading: Reading, at: int) -> int:
    """The place of the second number of a range whose first number is before `at`; 0: it is none."""
    words = reading.words
    if at + 1 < len(words) and words[at].text.lower() in _OF_RANGES and words[at + 1].number is not None:
        return at + 1
    return 0


def _broken(reading: Reading) -> Iterator[tuple[Word, str]]:
    """The parts of numbers that were taken apart, such as 1,5 and 2h30, and the text of each number."""
    for parts in zip(reading.words, reading.words[1:], [*reading.words[2:], None], strict=False):
        first, second, third = parts
        if first.number is None or first.end != second.start:
            continue
        if second.text == "," and third is not None and third.number is not None and second.end == third.start:
            yield from ((word, reading.question[first.start : third.end]) for word in (first, third))
        elif not second.text.isalpha() and any(char.isdigit() for char in second.text):
            yield first, reading.question[first.start : second.end]


def _in_two_parts(reading: Reading) -> Sequence[str]:
    """The numbers that were taken apart, in front of a unit or with one in them."""
    texts = dict[str, None]()
    for part, text in _broken(reading):
        after = next((at for at, word in enumerate(reading.words) if word.start >= part.start + len(text)), 0)
        if _word_of_unit(reading, after) or (any(map(str.isalpha, text)) and _parsed(re.sub(r"[\W\d]", "", text))):
            texts[text] = None
    return list(texts)


def _unit_of(item: Item) -> str:
    """The unit of an item; empty: it has none."""
    for feature in item.features:
        if feature.startswith(_UNIT):
            return feature.removeprefix(_UNIT)
    first, _, last = item.name.rpartition(".")[2].rpartition("_")
    return _DEGREES.get(last, last) if first or len(last) >= _WHOLE else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _converted(number: float, word: str, unit: str) -> float | None:
    """A number of one unit in another one; None: they measure other things, or one of the two measures nothing."""
    asked, own = _parsed(word), _parsed(unit)
    if asked is None or own is None or asked.dimensionality != own.dimensionality:
        return None
    return float(f"{float(_registry().Quantity(number, asked).to(own).magnitude):.6g}")


@cache
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry()


@cache
def _parsed(word: str) -> Any:
    """The unit that a word names; None: it names none, or one of nothing."""
    for name in (word, word.lower()):
        if name.isalpha() and name in _registry():
            unit = _registry().Unit(name)
            return None if unit.dimensionless else unit
    return None
