"""Voices: how different people say the same question.

    voiced(random, "how many rides are there", {})     "hi, how many rides are there, thanks"

Words and numbers of values are never mistyped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from dstill_sql.questions.wordings import wordings

__all__ = ["mistyped", "voiced"]

_FRAMED, _LOWER, _CAPITAL, _MARKED, _MISTYPED = 0.14, 0.35, 0.3, 0.5, 0.03
_ASKING = (
    "how",
    "what",
    "which",
    "who",
    "when",
    "where",
    "is",
    "are",
    "do",
    "does",
    "can",
    "could",
    "in which",
    "to which",
)


def voiced(random: Random, text: str, values: Mapping[str, bool]) -> str:
    """The question in some voice. `values`: its values, and whether they are known: only then their case may change."""
    asks = text.lower().startswith(_ASKING)
    if asks and random.random() < _MARKED:
        text += "?"
    if random.random() < _MISTYPED:
        text = mistyped(random, text, values)
    if random.random() < _FRAMED:
        text = _framed(random, text)
    way = random.random()
    if way < _LOWER:
        return _lower(text, [value for value, known in values.items() if not known and value])
    if way < _LOWER + _CAPITAL:
        text = text[:1].upper() + text[1:]
        return text if text.endswith(("?", ".")) or random.random() < 0.5 else f"{text}."
    return text


def _lower(text: str, names: Sequence[str]) -> str:
    """The text in lower case, without what is to be kept."""
    if not names:
        return text.lower()
    parts = re.split(f"({'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})", text)
    return "".join(part if place % 2 else part.lower() for place, part in enumerate(parts))


def _framed(random: Random, text: str) -> str:
    if random.random() < 0.5:
        return f"{random.choice(wordings('frames', 'before'))} {text}"
    end = random.choice((",", ",", ""))
    mark = "?" if text.endswith("?") else ""
    return f"{text.removesuffix('?')}{end} {random.choice(wordings('frames', 'after'))}{mark}"


def mistyped(random: Random, text: str, phrases: Iterable[str] = ()) -> str:
    """The text with one letter of a word swapped, missing or doubled."""
    fixed = {word.lower() for phrase in phrases for word in phrase.split()}
    words = text.split(" ")
    places = [at for at, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.lower() not in fixed]
    if not places:
        return text
    at = random.choice(places)
    words[at] = random.choice(_slips(words[at], random))
    return " ".join(words)


def _slips(word: str, random: Random) -> Sequence[str]:
    at = random.randrange(1, len(word) - 1)
    return (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
