"""People's words, and the words of names that they stand for.

meant("expensive")    →  ("price", "cost", "fee", …)
meant("cheapest")     →  the same as "cheap", which the table has
meant("salt")         →  ()

`thesaurus.txt` is the table and says how its rows are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import singular

__all__ = ["meant", "rows"]

# An ending, and what the base form has in its place: pricier, cheapest, shipped, charging, hourly.
_ENDINGS = (
    ("ier", "y"), ("iest", "y"), ("ied", "y"), ("ily", "y"),
    ("er", "e"), ("est", "e"), ("ed", "e"), ("ing", "e"),
    ("er", ""), ("est", ""), ("ed", ""), ("ing", ""), ("ly", ""),
)  # fmt: skip
_DOUBLE_LETTER = re.compile(r"([bdgmnprt])\1$")  # big in bigger
_SHORTEST = 2  # letters before an ending


def rows() -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The rows of the table: words that stand for each other, and words of people that stand for all of them."""
    for line in files("dstill.linked").joinpath("thesaurus.txt").read_text(encoding="utf-8").splitlines():
        row = line.partition("#")[0]
        if row.strip():
            group, _, people = row.partition(":")
            yield group.split(), people.split()


@lru_cache(maxsize=65536)
def meant(word: str) -> Sequence[str]:
    """The words of field names that a word in lower case stands for, without itself; each is singular."""
    table = _table()
    return next((table[form] for form in _forms(word) if form in table), ())


@cache
def _table() -> Mapping[str, Sequence[str]]:
    table: dict[str, dict[str, None]] = {}
    for group, people in rows():
        for word in (*(text for text in group if text not in STOP_WORDS), *people):
            singulars = (singular(other) for other in group)
            table.setdefault(word, {}).update(dict.fromkeys(other for other in singulars if other != singular(word)))
    return {word: tuple(singulars) for word, singulars in table.items()}


def _forms(word: str) -> Iterator[str]:
    """A word, and what may be its base form."""
    yield word
    yield singular(word)
    for ending, base in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            stem = word.removesuffix(ending)
            yield stem + base
            if _DOUBLE_LETTER.search(stem) and not base:
                yield stem[:-1]
