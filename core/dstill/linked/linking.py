"""Links between the words of a question and the items of a schema.

    schema = Schema([Item(name="user.name", words=("name",), above=("user",), kind="keyword", values=("rosa",)), …])
    schema.link(words("errors of rosa"))     →  {(2, 0): "value"}

The kinds of links, strongest first, are `LINKS`. A word and an item have one link, the strongest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dstill.linked.words import Word

__all__ = ["LINKS", "Item", "Schema"]

LINKS = (
    "value",  # the word is in a known value of the item
    "name",  # it is in the item's name
    "short",  # it has the beginning of a name's word, or is an initial of one (mag: magnitude)
    "glued",  # it is inside a name without separators (publication: flddatepublication)
    "description",  # it is in the item's description
    "above",  # it is in the name of what the item belongs to
)
_NO_VALUE = re.compile(r"\W*")
_STOP = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "are",
        "at",
        "been",
        "by",
        "count",
        "do",
        "does",
        "each",
        "every",
        "find",
        "for",
        "from",
        "get",
        "give",
        "had",
        "has",
        "have",
        "having",
        "how",
        "i",
        "in",
        "is",
        "it",
        "list",
        "many",
        "me",
        "much",
        "need",
        "no",
        "not",
        "of",
        "on",
        "or",
        "per",
        "show",
        "than",
        "that",
        "the",
        "their",
        "them",
        "there",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whose",
        "with",
        "you",
    ]
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item of a schema, such as a field, a column or a table."""

    name: str  # as answers have it; unique in its schema
    words: tuple[str, ...]  # of its name: `names.stems`
    kind: str  # its type, in the task's words: "keyword", "integer"
    above: tuple[str, ...] = ()  # words of what it belongs to: the object or the table
    description: tuple[str, ...] = ()
    values: tuple[str, ...] = ()  # known values
    features: tuple[str, ...] = ()  # what else the student should know: "unit=ms", "nested"


class Schema:
    """The items of one schema, indexed by words."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        self._names, self._descriptions, self._above = (defaultdict[str, list[int]](list) for _ in range(3))
        self._starts: dict[str, set[str]] = defaultdict(set)  # first three letters → words of names
        self._values: dict[str, list[tuple[str, int]]] = defaultdict(list)  # first word of a value → values
        for number, item in enumerate(self.items):
            for word in {*item.words, "".join(item.words)}:
                self._names[word].append(number)
                self._starts[word[:3]].add(word)
            for word in set(item.description):
                self._descriptions[word].append(number)
            for word in set(item.above):
                self._above[word].append(number)
            for value in item.values:
                if first := re.search(r"\w+", value.lower()):
                    self._values[first.group()].append((value.lower(), number))

    def link(
        self, question: str, words: Sequence[Word], shown: Sequence[int] | None = None
    ) -> dict[tuple[int, int], str]:
        """(number of a word, number of an item) → the kind of link. `shown`: the items to link; None: all."""
        found: dict[tuple[int, int], str] = {}
        wanted = None if shown is None else set(shown)
        for place, item, kind in self._found(question, words):
            if wanted is not None and item not in wanted:
                continue
            before = found.get((place, item))
            if before is None or LINKS.index(kind) < LINKS.index(before):
                found[place, item] = kind
        return found

    def _found(self, question: str, words: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
        for place, word in enumerate(words):
            if word.kind == "word" and word.text.lower() not in _STOP:
                for stem in word.stems:
                    yield from ((place, item, "name") for item in self._names.get(stem, ()))
                    yield from ((place, item, "description") for item in self._descriptions.get(stem, ()))
                    yield from ((place, item, "above") for item in self._above.get(stem, ()))
                    yield from ((place, item, "short") for item in self._short(stem))
                yield from ((place, item, "glued") for item in self._glued(word.text.lower()))
        yield from self._known_values(question, words)
        yield from self._initials(words)

    def _short(self, stem: str) -> Iterator[int]:
        """Items with a word in the name that has the same beginning: one is a part of the other, or four letters are."""
        if len(stem) < 3:
            return
        for word in self._starts.get(stem[:3], ()):
            if (
                word != stem
                and len(word) >= 3
                and (word.startswith(stem) or stem.startswith(word) or word[:4] == stem[:4])
            ):
                yield from self._names[word]

    def _glued(self, word: str) -> Iterator[int]:
        if len(word) >= 4:
            for name, items in self._names.items():
                if len(name) > len(word) and word in name and not name.startswith(word):
                    yield from items

    def _known_values(self, question: str, words: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
        text = question.lower()
        for match in re.finditer(r"\w+", text):
            for value, item in self._values.get(match.group(), ()):
                start = match.start() - (re.search(r"\w", value).start())  # type: ignore[union-attr]
                end = start + len(value)
                whole = start >= 0 and text[start:end] == value and not text[end : end + 1].isalnum()
                if whole and value not in _STOP:
                    for place, word in enumerate(words):
                        if word.start < end and word.end > start:
                            yield place, item, "value"

    def _initials(self, words: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
        """Words whose first letters spell a short name: "number of stations" and nst, "root mean square" and rms."""
        spoken = [(place, word.text[0].lower()) for place, word in enumerate(words)
                  if word.kind == "word" and word.text.lower() not in _STOP]  # fmt: skip
        letters = "".join(letter for _, letter in spoken)
        for name, items in self._names.items():
            if 2 <= len(name) <= 4:
                start = letters.find(name)
                while start >= 0:
                    for place, _ in spoken[start : start + len(name)]:
                        yield from ((place, item, "short") for item in items)
                    start = letters.find(name, start + 1)
