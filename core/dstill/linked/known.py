"""Known values of items as people say them: in another case, in the plural, with other separators, or by a part.

known_spans("shipped, or in transit", words, ("Shipped", "IN_TRANSIT"))
→  {(0, 0): "Shipped", (2, 3): "IN_TRANSIT", (3, 3): "IN_TRANSIT"}
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dstill.linked.names import singular
from dstill.linked.words import Word

__all__ = ["folded", "known_spans", "telling_words"]

_SHORTEST = 3  # characters of a part that stands for a value
_LONGEST = 8  # words of a span


def folded(text: str) -> str:
    """A text without case, punctuation, separators and plurals: ``IN_TRANSIT`` and ``in transits`` are the same."""
    return " ".join(singular(word) for word in re.split(r"[\W_]+", text.casefold()) if word)


@dataclass(frozen=True)
class _Forms:
    whole: Mapping[str, str]  # folded → value; those that several values share are left out
    words: frozenset[str]  # of folded values
    having: Mapping[str, Sequence[str]]  # word → folded values that have it


@lru_cache(maxsize=4096)
def _forms(values: tuple[str, ...]) -> _Forms:
    whole: dict[str, str | None] = {}
    for value in dict.fromkeys(values):
        if said := folded(value):
            whole[said] = None if said in whole else value
    having: dict[str, list[str]] = defaultdict(list)
    for said in whole:
        for word in dict.fromkeys(said.split()):
            having[word].append(said)
    return _Forms({said: value for said, value in whole.items() if value is not None}, frozenset(having), having)


def telling_words(values: tuple[str, ...]) -> list[str]:
    """Words that exactly one of the values has, alone or among others: each stands for that value."""
    return [word for word, having in _forms(values).having.items() if len(having) == 1 and _tells(word)]


def known_spans(question: str, words: Sequence[Word], values: tuple[str, ...]) -> dict[tuple[int, int], str]:
    """Spans of words, by their first and last, that say a known value without being its text.

    A span says a value if both are the same but for case, plural and separators, or if no other value has its words.
    """
    forms = _forms(values)
    parts = [folded(word.text).split() for word in words]
    found: dict[tuple[int, int], str] = {}
    for first, part in enumerate(parts):
        for last in range(first, min(first + _LONGEST, len(parts))) if part else ():
            if not forms.words.issuperset(parts[last]):
                break
            text = question[words[first].start : words[last].end]
            value = _said(folded(text), forms) if parts[last] else None
            if value is not None and value != text:
                found[first, last] = value
    return found


def _said(text: str, forms: _Forms) -> str | None:
    if (value := forms.whole.get(text)) is not None:
        return value
    if not _tells(text):
        return None
    having = [said for said in forms.having.get(text.split()[0], ()) if f" {text} " in f" {said} "]
    return forms.whole.get(having[0]) if len(having) == 1 else None


def _tells(text: str) -> bool:
    return len(text) >= _SHORTEST and not text.isdigit()
