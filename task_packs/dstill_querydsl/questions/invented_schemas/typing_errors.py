"""Typing errors, such as ``taht``: never in values, seldom in nouns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from dstill_querydsl.questions.invented_schemas.question_parts import Part

__all__ = ["mistyped"]

_NEVER = ("cunt", "shit", "tit", "tits", "anal")  # errors that must not appear
_VALUES = ("true", "false")  # values that wordings have
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def mistyped(parts: Sequence[Part], random: Random) -> list[Part]:
    """The parts with one or two words mistyped."""
    result = list(parts)
    kinds = ("text", "text", "document") if random.random() < 0.7 else ("text", "noun", "plural", "document")
    for _ in range(random.choice((1, 1, 2))):
        words = [(at, word) for at, part in enumerate(result) if part.kind in kinds for word in part.text.split()]
        places = [(at, word) for at, word in words if word.isalpha() and len(word) > 3 and word not in _VALUES]
        if places:
            at, word = random.choice(places)
            result[at] = replace(result[at], text=result[at].text.replace(word, _slip(word, random), 1))
    return result


def _slip(word: str, random: Random) -> str:
    at = random.randrange(1, len(word) - 1)
    char = word[at]
    ways = [word[:at] + word[at + 1] + char + word[at + 2 :], word[:at] + word[at + 1 :], word[:at] + char + word[at:]]
    if row := next((row for row in _KEYS if char in row), ""):
        place = row.index(char)
        ways.append(
            word[:at] + row[place - 1 if place and random.random() < 0.5 else (place + 1) % len(row)] + word[at + 1 :]
        )
    slipped = str(random.choice(ways))
    return word if slipped.lower() in _NEVER else slipped
