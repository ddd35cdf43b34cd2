"""Words for questions: nouns for fields, plurals, and marks around values and names.

    noun_of("http.response.status_code")       "response status code"
    plural("country")                          "countries"
    plain(f"with {mark('host')} {mark(7)}")    "with host 7"
    skeleton(…)                                "with _ _", the same for all questions with one wording

Marks are two control characters, which are not in any value that a question can quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dstill.linked.names import words_in

__all__ = ["LONGEST", "listed", "mark", "noun_of", "nouns", "pieces", "plain", "plural", "sayable", "skeleton"]
__all__ += ["words_of"]

LONGEST = 60  # characters of a value that a question quotes
_OPEN, _CLOSE = "\x01", "\x02"
_MARKED = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")


def mark(value: Any) -> str:
    """The value between marks."""
    return f"{_OPEN}{value}{_CLOSE}"


# By sound: an SKU, an n.
_ARTICLE = re.compile(f"\\b([aA]) (?={_OPEN}(?:[aeioAEIO]|[FHLMNRSX](?![a-z])|[fhlmnrsx](?![A-Za-z])))")


def plain(text: str) -> str:
    """The text without marks, with "a" or "an" as the next word needs it."""
    return _ARTICLE.sub(r"\1n ", text).replace(_OPEN, "").replace(_CLOSE, "")


def skeleton(text: str) -> str:
    """The text with ``_`` for everything that is marked."""
    return _MARKED.sub("_", text)


def pieces(text: str) -> list[str]:
    """The marked and unmarked parts of `text`, in their order."""
    return [piece for piece in re.split(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})", text) if piece]


def sayable(value: Any) -> bool:
    """Whether a question can quote the value."""
    if not isinstance(value, str):
        return not isinstance(value, (Mapping, list)) and value is not None
    return 0 < len(value) <= LONGEST and value == value.strip() and value.isprintable() and '"' not in value


def words_of(name: str) -> list[str]:
    """``statusCode`` → status, code. Acronyms stay whole."""
    return [word if word.isupper() and len(word) > 1 else word.lower() for word in words_in(name)]


def noun_of(path: str, parts: int = 2) -> str:
    """A noun for a field: the words of the last parts of its path. A name without words is quoted."""
    words: list[str] = []
    for part in path.split(".")[-parts:]:
        words += [word for word in words_of(part) if word not in words]
    return " ".join(words) or f"'{path}'"


def nouns(paths: Iterable[str]) -> dict[str, str]:
    """A different noun for every path. It has more parts of the path if necessary, or is the quoted path."""
    by_path: dict[str, str] = {}
    taken: set[str] = set()
    for path in paths:
        ways = [noun_of(path, parts) for parts in (2, 3, 50)]
        noun = next((way for way in ways if way.lower() not in taken and len(way) <= LONGEST), f"'{path}'")
        taken.add(noun.lower())
        by_path[path] = "".join(char for char in noun if char.isprintable())
    return by_path


_PLURALS = (("ies", re.compile(r"[^aeiou]y$")), ("es", re.compile(r"(s|x|z|ch|sh)$")))


def plural(noun: str) -> str:
    """The regular English plural. A lexicon gives irregular ones."""
    if not noun[-1:].isalpha() or noun.endswith(("ics", "data")):
        return noun
    for ending, pattern in _PLURALS:
        if pattern.search(noun):
            return (noun[:-1] if ending == "ies" else noun) + ending
    return noun + "s"


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last
