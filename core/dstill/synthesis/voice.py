"""How a question is said: `wordings.toml`, and choices that hold for the whole question.

voice = Voice(Random(1), subject)
voice.say("sentences", "count", nouns="shops", after=" in Oslo")     "how many shops in Oslo are there"
voice.number(3)                                                      "three"
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from dstill.synthesis.subjects import Entity, Subject
from dstill.synthesis.wordings import wordings

__all__ = ["Voice", "article", "joined"]

_ONE_OF = re.compile(r"\[([^\[\]]*)\]")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def joined(parts: Sequence[str], word: str = "and") -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


class Voice:
    """The way in which one question is said."""

    def __init__(self, random: Random, subject: Subject) -> None:
        self.random, self.subject = random, subject
        self.quote = random.choices(("", '"', "'"), (6, 3, 1.2))[0]
        self._in_words = random.random() < 0.4
        self._with_commas = random.random() < 0.1
        self._which = random.random() < 0.3

    def chance(self, share: float) -> bool:
        """True with that probability."""
        return self.random.random() < share

    def say(self, table: str, name: str, /, *values: str, **parts: str) -> str:
        """A wording with its parts filled in."""
        text = self.random.choice(wordings()[table][name])
        while (options := _ONE_OF.search(text)) is not None:
            text = text[: options.start()] + self.random.choice(options[1].split("|")) + text[options.end() :]
        return str(text).format(*values, **_Parts(parts, self))

    def word(self, name: str) -> str:
        """One of the words of that name."""
        return str(self.random.choice(wordings()["words"][name]))

    def number(self, value: float) -> str:
        """A number in digits, or a small one in words."""
        if isinstance(value, float):
            return f"{value:.10g}"
        if self._in_words and 0 <= value < len(_NUMBERS):
            return _NUMBERS[value]
        return f"{value:,}" if self._with_commas and value >= 1000 else str(value)

    def value(self, value: Any) -> str:
        """A value as it is, in quotes, or in lower case."""
        if isinstance(value, (int, float)):
            return f"{value:.10g}" if isinstance(value, float) else str(value)
        text = str(value)
        return f"{self.quote}{text.lower() if not self.quote and self.chance(0.12) else text}{self.quote}"

    def day(self, text: str) -> str:
        """``2024``, or ``2024-05-03`` in digits or words."""
        if len(text) != 10 or self.chance(0.4):
            return text
        year, name, day = text[:4], _MONTHS[int(text[5:7]) - 1], int(text[8:])
        return self.random.choice((f"{name} {day}, {year}", f"{day} {name} {year}", f"{name} {day} {year}"))

    def who(self, entity: Entity) -> str:
        """The word that begins a clause about the entity."""
        if entity.noun.split(" ")[-1] in wordings()["nouns"]["people"]:
            return self.random.choice(("who", "who", "that"))
        return "which" if self._which else "that"


class _Parts(dict[str, str]):
    """Parts of a sentence; those that are not given are drawn from the words."""

    def __init__(self, parts: Mapping[str, str], voice: Voice) -> None:
        super().__init__({name: voice.word(name) for name in wordings()["words"]} | dict(parts))
