"""Known values of items as people say them: in another case, in the plural, with other separators, or by a part.

- ``same_value("in transit", ("Shipped", "IN_TRANSIT"))`` → ``"IN_TRANSIT"``, and so is ``"intransit"``
- ``partial_values("how many for acme", words, ("Acme Corp.", "Beta Corp."))`` → ``{(3, 3): "Acme Corp."}``
- ``partial_values("derm", words, ("Cardiology", "Dermatology"))`` → ``{(0, 0): "Dermatology"}``
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dstill.linked.names import singular
from dstill.linked.words import Word

__all__ = [
    "KnownTexts",
    "beginning_so",
    "folded",
    "names_of",
    "partial_values",
    "same_value",
    "spans_of",
    "telling_words",
    "value_said",
]

_SHORTEST = 3  # characters of a part that stands for a value
_LONGEST = 8  # words of a span
_BEGINNING = 4  # characters that the beginning of a word has at least


def folded(text: str) -> str:
    """A text without case, punctuation, separators and plurals: ``IN_TRANSIT`` and ``in transits`` are the same."""
    return " ".join(singular(word) for word in re.split(r"[\W_]+", text.casefold()) if word)


class KnownTexts(tuple[str, ...]):
    """The texts of an item's known values, some of which people also call by other names.

    ``same_value("kennedy", KnownTexts(("JFK", "LGA"), {"kennedy": "JFK"}))`` → ``"JFK"``
    """

    aliases: Mapping[str, str]  # another name → the value

    def __new__(cls, values: Iterable[str] = (), aliases: Mapping[str, str] | None = None) -> KnownTexts:  # noqa: D102
        texts = super().__new__(cls, values)
        texts.aliases = aliases or {}
        return texts

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, other) is True and self.aliases == getattr(other, "aliases", {})

    __hash__ = tuple.__hash__


def names_of(values: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The other names of values, each with its value."""
    yield from values.aliases.items() if isinstance(values, KnownTexts) else ()


@dataclass(frozen=True)
class _Forms:
    whole: Mapping[str, str]  # folded → value; those that several values share are left out
    joined: Mapping[str, str]  # the same without spaces
    having: Mapping[str, Sequence[str]]  # word → folded values that have it
    ordered: Sequence[str]  # the words of `having`


@lru_cache(maxsize=4096)
def _forms(values: tuple[str, ...]) -> _Forms:
    whole: dict[str, str | None] = {}
    for value in dict.fromkeys(values):
        if text := folded(value):
            whole[text] = None if text in whole else value
    having: dict[str, list[str]] = defaultdict(list)
    for text in whole:
        for word in dict.fromkeys(text.split()):
            having[word].append(text)
    for name, value in names_of(values):
        if value in values and (text := folded(name)):
            whole.setdefault(text, value)
    joined: dict[str, str | None] = {}
    for text, only in whole.items():
        together = text.replace(" ", "")
        joined[together] = None if together in joined else only
    return _Forms(_certain(whole), _certain(joined), having, sorted(having))


def _certain(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {text: value for text, value in texts.items() if value is not None}


def telling_words(values: tuple[str, ...]) -> list[str]:
    """Words that exactly one of the values has, alone or among others: each stands for that value."""
    return [word for word, having in _forms(values).having.items() if len(having) == 1 and _tells(word)]


def same_value(text: str, values: tuple[str, ...]) -> str | None:
    """The value that is `text` but for case, plural and separators; None if none is, or several are."""
    return _same(folded(text), _forms(values))


def _same(text: str, forms: _Forms) -> str | None:
    return forms.whole.get(text) or forms.joined.get(text.replace(" ", ""))


def value_said(text: str, values: tuple[str, ...]) -> str | None:
    """The value that `text` says: the same, or the only one that has its words; None if there is none."""
    phrase, forms = folded(text), _forms(values)
    return _same(phrase, forms) or (_having(phrase, forms) if _tells(phrase) else None)


def partial_values(question: str, words: Sequence[Word], values: tuple[str, ...]) -> dict[tuple[int, int], str]:
    """Spans of words, by their first and last, that one value has among other words, or one word that begins so."""
    forms = _forms(values)
    by_span: dict[tuple[int, int], str] = {}
    for span, text in spans_of(question, words):
        phrase = folded(text)
        if _tells(phrase) and not _same(phrase, forms) and (value := _having(phrase, forms)):
            by_span[span] = value
    return by_span


def _having(text: str, forms: _Forms) -> str | None:
    having = [value for value in forms.having.get(text.split()[0], ()) if f" {text} " in f" {value} "]
    if not having and " " not in text:
        words = beginning_so(text, forms.ordered)
        having = list(dict.fromkeys(value for word in words for value in forms.having[word]))
    return forms.whole.get(having[0]) if len(having) == 1 else None


def beginning_so(start: str, ordered: Sequence[str]) -> Sequence[str]:
    """The words of an ordered list that begin with `start`, if that has enough letters to tell."""
    if len(start) < _BEGINNING:
        return ()
    return ordered[bisect_left(ordered, start) : bisect_left(ordered, start + "\U0010ffff")]


def spans_of(question: str, words: Sequence[Word]) -> Iterator[tuple[tuple[int, int], str]]:
    """Spans of a few words that begin and end with letters or digits, and their texts."""
    solid = [any(char.isalnum() for char in word.text) for word in words]
    for first in range(len(words)):
        for last in range(first, min(first + _LONGEST, len(words))):
            if solid[first] and solid[last]:
                yield (first, last), question[words[first].start : words[last].end]


def _tells(text: str) -> bool:
    return len(text) >= _SHORTEST and not text.isdigit()
