"""Words for a question: names of fields, plurals, and marks around what a template did not say itself.

    noun_of("http.response.status_code")       "response status code"
    plural("country")                          "countries"
    plain(f"with {mark('host')} {mark(7)}")    "with host 7"
    skeleton(…)                                "with _ _", what two questions of one wording share

Marks are two control characters, which no sayable value holds.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from dstill_querydsl.language.name_words import words_in

__all__ = ["LONGEST", "listed", "mark", "noun_of", "nouns", "pieces", "plain", "plural", "sayable", "skeleton"]
__all__ += ["words_of"]

LONGEST = 60  # characters of a value that a question quotes
_OPEN, _CLOSE = "\x01", "\x02"
_MARKED = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")


def mark(value: Any) -> str:
    return f"{_OPEN}{value}{_CLOSE}"


# By sound: an SKU, an n.
_ARTICLE = re.compile(f"\\b([aA]) (?={_OPEN}(?:[aeioAEIO]|[FHLMNRSX](?![a-z])|[fhlmnrsx](?![A-Za-z])))")


def plain(text: str) -> str:
    """The text as a person reads it: without marks, and with the article that the word after it needs."""
    return _ARTICLE.sub(r"\1n ", text).replace(_OPEN, "").replace(_CLOSE, "")


def skeleton(text: str) -> str:
    return _MARKED.sub("_", text)


def pieces(text: str) -> list[str]:
    """`text` cut into marked and unmarked parts, in order."""
    return [piece for piece in re.split(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})", text) if piece]


def sayable(value: Any) -> bool:
    """Whether a question can quote the value as it is."""
    if not isinstance(value, str):
        return not isinstance(value, (Mapping, list)) and value is not None
    return 0 < len(value) <= LONGEST and value == value.strip() and value.isprintable() and '"' not in value


def words_of(name: str) -> list[str]:
    """``statusCode`` → status, code. Acronyms stay whole."""
    return [word if word.isupper() and len(word) > 1 else word.lower() for word in words_in(name)]


def noun_of(path: str, parts: int = 2) -> str:
    """What a person calls a field: the words of its last parts; a name without words is quoted."""
    said: list[str] = []
    for part in path.split(".")[-parts:]:
        said += [word for word in words_of(part) if word not in said]
    return " ".join(said) or f"'{path}'"


def nouns(paths: Iterable[str]) -> dict[str, str]:
    """A noun for every path, no two alike: more of the path where it needs that, else the path itself."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for path in paths:
        ways = [noun_of(path, parts) for parts in (2, 3, 50)]
        noun = next((way for way in ways if way.lower() not in taken and len(way) <= LONGEST), f"'{path}'")
        taken.add(noun.lower())
        found[path] = "".join(char for char in noun if char.isprintable())
    return found


_PLURALS = (("ies", re.compile(r"[^aeiou]y$")), ("es", re.compile(r"(s|x|z|ch|sh)$")))


def plural(noun: str) -> str:
    """English, regular: what a lexicon is for otherwise."""
    if not noun[-1:].isalpha() or noun.endswith(("ics", "data")):
        return noun
    for ending, pattern in _PLURALS:
        if pattern.search(noun):
            return (noun[:-1] if ending == "ies" else noun) + ending
    return noun + "s"


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a, b and c``"""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last
