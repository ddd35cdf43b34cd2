"""Numbers that an answer took from the question in another unit than the field has.

    other_units(reading, phrases)   → Problem(message="'3 kg' is 3,000 gram, and the answer compares 'body_g' with 3")

The unit of a field is what the task says (the feature ``unit=g`` of an item), or the last part of its name
(``labour_min``). Units are those of pint, which is loaded when a question has one. Currencies are never converted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from dstill.api.protocols import Phrase
from dstill.api.records import Problem, Severity
from dstill.linked import Reading
from dstill.linked.linking import STOP_WORDS, Item

__all__ = ["other_units"]

_UNIT = "unit="  # begins a feature of an item


def other_units(reading: Reading, phrases: Sequence[Phrase]) -> Iterator[Problem]:
    """A warning for each such number in the conditions of an answer. `phrases`: the answer in words."""
    asked = list(_quantities(reading))
    if not asked or find_spec("pint") is None:
        return
    items = {item.name: item for item in reading.items}
    for phrase in phrases:
        known = [items[name] for name in phrase.items if name in items] if phrase.kind == "condition" else []
        for text, number, word in asked:
            if number not in map(_number, phrase.values):
                continue
            for item in known:
                if (meant := _converted(number, word, _unit_of(item))) is not None and meant != number:
                    yield Problem(
                        layer="reading",
                        code="other_unit",
                        message=f"'{text}' is {meant:,g} {_unit_of(item)}, and the answer compares "
                        f"'{item.name}' with {number:g}",
                        hint="write the number in the unit of the field",
                        severity=Severity.WARNING,
                    )


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
