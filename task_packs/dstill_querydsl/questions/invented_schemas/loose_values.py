"""Known values as people write them: "in transit" for IN_TRANSIT, "united" for "United Freight".

    said_loosely("IN_TRANSIT", ("IN_TRANSIT", "DELIVERED"), random)     "in transit"

The linked form reads them back: what it would not read as the same value stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from dstill.linked.known import telling_words, value_said
from dstill.linked.names import singular
from dstill_querydsl.questions.templates.words import plural

__all__ = ["in_plural", "said_loosely"]

PART_SHARE = 0.35  # share of values of several words that are said by one of them
_DULL = ("the", "and", "for", "with", "from", "type", "kind", "other", "new", "non", "not")


def said_loosely(value: str, known: tuple[str, ...], random: Random) -> str:
    """The value in another form, which tells it apart from the other known values of its field."""
    if value not in known:
        return value
    parts = list(_parts(value, known)) if random.random() < PART_SHARE else []
    text = random.choice(parts) if parts else _recased(value, random)
    return text if _means(text, value, known) else value


def in_plural(value: str, known: tuple[str, ...]) -> str:
    """The plural, such as vans. Empty if the value is not such a word."""
    if not re.fullmatch(r"[A-Za-z]{3,}", value) or value not in known:
        return ""
    text = plural(value.lower())
    return text if _means(text, value, known) else ""


def _means(text: str, value: str, known: tuple[str, ...]) -> bool:
    return text == value or value_said(text, known) == value


def _recased(value: str, random: Random) -> str:
    text = value
    if re.search(r"[A-Za-z][_-][A-Za-z]", value) and not re.search(r"[\d@/]", value):
        text = re.sub("[_-]", " ", value)
    ways = [text.lower()] * 5 + [text.title(), text.capitalize(), text]
    return random.choice(ways)


def _parts(value: str, known: tuple[str, ...]) -> Iterator[str]:
    """Words of the value that no other value has."""
    telling = telling_words(known)
    for part in re.findall(r"[A-Za-z]{4,}", value):
        if part.lower() not in _DULL and part != value and singular(part.lower()) in telling:
            yield part.lower()
            yield part
