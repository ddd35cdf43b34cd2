"""Known values of items as people say them: in another case, in the plural, with other separators, or by a part.

- ``same_value("in transit", ("Shipped", "IN_TRANSIT"))`` → ``"IN_TRANSIT"``, and so is ``"intransit"``
- ``partial_values("how many for acme", words, ("Acme Corp.", "Beta Corp."))`` → ``{(3, 3): "Acme Corp."}``
- ``partial_values("derm", words, ("Cardiology", "Dermatology"))`` → ``{(0, 0): "Dermatology"}``
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dstill.linked.names import singular
from dstill.linked.words import Word

__all__ = ["beginning_so", "folded", "partial_values", "same_value", "spans_of", "telling_words", "value_said"]

_SHORTEST = 3  # characters of a part that stands for a value
_LONGEST = 8  # words of a span
_BEGINNING = 4  # characters that the beginning of a word has at least


def folded(text: str) -> str:
    """A text without case, punctuation, separators and plurals: ``IN_TRANSIT`` and ``in transits`` are the same."""
    return " ".join(singular(word) for word in re.split(r"[\W_]+", text.casefold()) if word)


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
        if said := folded(value):
            whole[said] = None if said in whole else value
    having: dict[str, list[str]] = defaultdict(list)
    for said in whole:
        for word in dict.fromkeys(said.split()):
            having[word].append(said)
    joined: dict[str, str | None] = {}
    for said, only in whole.items():
        together = said.replace(" ", "")
        joined[together] = None if together in joined else only
    return _Forms(_certain(whole), _certain(joined), having, sorted(having))


def _certain(found: Mapping[str, str | None]) -> dict[str, str]:
    return {said: value for said, value in found.items() if value is not None}


def telling_words(values: tuple[str, ...]) -> list[str]:
    """Words that exactly one of the values has, alone or among others: each stands for that value."""
    return [word for word, having in _forms(values).having.items() if len(having) == 1 and _tells(word)]


def same_value(text: str, values: tuple[str, ...]) -> str | None:
    """The value that is `text` but for case, plural and separators; None if none is, or several are."""
    return _same(folded(text), _forms(values))


def _same(said: str, forms: _Forms) -> str | None:
    return forms.whole.get(said) or forms.joined.get(said.replace(" ", ""))


def value_said(text: str, values: tuple[str, ...]) -> str | None:
    """The value that `text` says: the same, or the only one that has its words; None if there is none."""
    said, forms = folded(text), _forms(values)
    return _same(said, forms) or (_having(said, forms) if _tells(said) else None)


def partial_values(question: str, words: Sequence[Word], values: tuple[str, ...]) -> dict[tuple[int, int], str]:
    """Spans of words, by their first and last, that one value has among other words, or one word that begins so."""
    forms = _forms(values)
    found: dict[tuple[int, int], str] = {}
    for span, text in spans_of(question, words):
        said = folded(text)
        if _tells(said) and not _same(said, forms) and (value := _having(said, forms)):
            found[span] = value
    return found


def _having(said: str, forms: _Forms) -> str | None:
    having = [value for value in forms.having.get(said.split()[0], ()) if f" {said} " in f" {value} "]
    if not having and " " not in said:
        words = beginning_so(said, forms.ordered)
        having = list(dict.fromkeys(value for word in words for value in forms.having[word]))
    return forms.whole.get(having[0]) if len(having) == 1 else None


def beginning_so(said: str, ordered: Sequence[str]) -> Sequence[str]:
    """The words of an ordered list that begin with `said`, if that has enough letters to tell."""
    if len(said) < _BEGINNING:
        return ()
    return ordered[bisect_left(ordered, said) : bisect_left(ordered, said + "\U0010ffff")]


def spans_of(question: str, words: Sequence[Word]) -> Iterator[tuple[tuple[int, int], str]]:
    """Spans of a few words that begin and end with letters or digits, and their texts."""
    solid = [any(char.isalnum() for char in word.text) for word in words]
    for first in range(len(words)):
        for last in range(first, min(first + _LONGEST, len(words))):
            if solid[first] and solid[last]:
                yield (first, last), question[words[first].start : words[last].end]


def _tells(text: str) -> bool:
    return len(text) >= _SHORTEST and not text.isdigit()
