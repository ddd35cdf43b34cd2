"""Dates, numbers and units of a question in the forms that persons write.

    with_values([Part("value", "2024-03-03"), Part("value", "2 s")], body, random)
    ->  [Part("value", "Mar 3, 2024"), Part("value", "2000 ms")]

A number is only said in a smaller unit if that is not below the unit of the field.
"""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

from dstill.linked.words import words
from dstill_querydsl.questions.invented_schemas.question_parts import Part
from dstill_querydsl.questions.invented_schemas.vocabulary import table

__all__ = ["with_values"]

_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?)( ?)(\D.*)?")
WORDS = 0.1  # share of small numbers that are written as words
_LARGE = 1_000  # numbers from here on are also written as 1,000 or 1k
# unit → a smaller one, and how many of it
_SMALLER = {"h": ("min", 60), "min": ("s", 60), "s": ("ms", 1_000), "GB": ("MB", 1_000), "MB": ("kB", 1_000)}


def with_values(parts: Sequence[Part], body: Mapping[str, Any], random: Random) -> list[Part]:
    """The parts with some values in another form. `body`: the answer, which says what may change."""
    large = set(_large_numbers(body)) if random.random() < 0.5 else set[float]()
    sizes = _sizes(body)
    fixed, numbers = set(_leaves(body, str)), [leaf for leaf in _leaves(body, int) if leaf]
    result = []
    for part in parts:
        text = part.text
        if part.kind == "value":
            if text in sizes and random.random() < 0.15:
                text = sizes[text]
            elif text[0].isdigit() or text[-1].isdigit():
                text = _date(text, random) or (text if text in fixed else _quantity(text, large, numbers, random))
        result.append(Part(part.kind, text))
    return result


def _date(text: str, random: Random) -> str:
    """A day or a month in another form. Empty if the text is none."""
    read = words(text)
    if len(read) != 1 or read[0].kind not in ("date", "month") or "T" in text:
        return ""
    year, month, *day = (int(part) for part in read[0].value.split("-"))
    long, short = month_name[month], month_abbr[month]
    if not day:
        return random.choice((f"{long} {year}", f"{short} {year}", f"{year}-{month:02d}", f"{long}, {year}"))
    iso, nth = f"{year}-{month:02d}-{day[0]:02d}", f"{day[0]}{_ordinal(day[0])}"
    ways = (
        iso, iso, iso, f"{day[0]} {long} {year}", f"{long} {day[0]}, {year}", f"{short} {day[0]}, {year}",
        f"{day[0]} {short} {year}", f"{long} {nth}, {year}", f"{nth} of {long} {year}", f"{short} {day[0]} {year}",
    )  # fmt: skip
    return random.choice(ways)


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


@cache
def _unit_words() -> Mapping[str, tuple[str, ...]]:
    return {word: tuple(group) for group in table("wordings.toml")["values"]["units"] for word in group}


def _quantity(text: str, large: Collection[float], numbers: Sequence[int], random: Random) -> str:
    """A number with other words for its unit, or a large number in another form."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return text
    number, space, unit = match.groups()
    value = float(number)
    if value in numbers and number in _number_words() and (not unit or unit.isalpha()) and random.random() < WORDS:
        return f"{_number_words()[number]} {unit or ''}".strip()
    if unit is None:
        return _large(int(value), random) if value in large else text
    if unit not in _unit_words():
        return text
    group = _unit_words()[unit]
    if group[0] in _SMALLER and value and random.random() < 0.12:
        smaller, factor = _SMALLER[group[0]]
        if any(count % (value * factor) == 0 for count in numbers):  # not below the unit of the field
            return f"{value * factor:g} {smaller}"
    word = random.choice(group) if random.random() < 0.5 else unit
    return f"{number}{'' if len(word) < 3 and random.random() < 0.4 else space or ' '}{word}"


@cache
def _number_words() -> Mapping[str, str]:
    numbers: Mapping[str, str] = table("wordings.toml")["values"]["numbers"]
    return numbers


def _large(value: int, random: Random) -> str:
    ways = [f"{value:,}", str(value)]
    if value % 100 == 0 and value < 10**6:
        ways += [f"{value / 1_000:g}{sign}" for sign in ("k", "k", "K", " thousand")]
    if value % 10**5 == 0 and value >= 10**6:
        ways += [f"{value / 10**6:g}{sign}" for sign in (" million", "M", " mio")]
    return str(random.choice(ways))


def _large_numbers(body: Any, within: bool = False) -> Iterator[float]:
    """Whole numbers of ranges and intervals that are no years."""
    if isinstance(body, Mapping):
        for key, inner in body.items():
            yield from _large_numbers(inner, within or key in ("range", "histogram"))
    elif isinstance(body, list):
        for inner in body:
            yield from _large_numbers(inner, within)
    elif within and isinstance(body, int) and body >= _LARGE and not 1_900 <= body <= 2_100:
        yield body


def _leaves(body: Any, kind: type) -> Iterator[Any]:
    if isinstance(body, Mapping):
        body = list(body.values())
    if isinstance(body, list):
        for inner in body:
            yield from _leaves(inner, kind)
    elif type(body) is kind:
        yield body


def _sizes(body: Mapping[str, Any]) -> Mapping[str, str]:
    """The size of a page or of groups, as a digit → as a word."""
    numbers: Mapping[str, str] = table("wordings.toml")["values"]["numbers"]
    groups = body.get("aggs", {}).get("groups", {}).get("terms", {}).get("size") if "aggs" in body else None
    return {str(size): numbers[str(size)] for size in (body.get("size"), groups) if str(size) in numbers}
