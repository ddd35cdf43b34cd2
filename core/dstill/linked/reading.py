"""The reading of one question by a linked student: words, items of the schema, and the links between them.

    reading = read("errors of rosa", schema)
    reading.features[2]      →  {"kind:word": 1.0, "linked:value": 1.0, "=rosa": 1.0, "<ro": 0.45, …}

Positions are numbered from 0: first the words, then the shown items. A feature is a name with a weight. A student has a
row for each name that a `Form` lists, and hashes the others: whole words (``=rosa``) and character n-grams (``<ro``),
with a prefix for where in the item they are. ``~rosa`` stands for what the word means, for students that know it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from dstill.linked.known import folded
from dstill.linked.linking import LINKS, Item, Schema
from dstill.linked.words import MAX_WORDS, Word, words

__all__ = ["FEATURES", "MEANING", "Reading", "read"]

_GRAMS = 14  # of one word
MEANING = "~"  # what the name of a feature begins with that stands for the meaning of a word
_MOST_LINKS = 3  # more links of a kind are counted as this many
_KINDS = ("word", "number", "date", "month", "address", "mark")
# The features with a row of their own, besides those of the form.
FEATURES = (
    *(f"kind:{kind}" for kind in _KINDS),
    "capital",
    "quoted",
    "year",
    *(f"linked:{kind}" for kind in LINKS),
    *(f"links:{kind}:{n}" for kind in LINKS for n in range(1, _MOST_LINKS + 1)),
    "links:none",
)

_QUOTES = "'\""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One question about one schema, as positions."""

    question: str
    words: Sequence[Word]
    items: Sequence[Item]  # those that are shown
    links: Mapping[tuple[int, int], str]  # (number of a word, number of an item) → kind of link
    features: Sequence[Mapping[str, float]]  # of each position
    schema: Schema  # that the items are of

    def __len__(self) -> int:
        return len(self.words) + len(self.items)

    def item(self, position: int) -> Item:
        """The item at a position. Raises LookupError if there is none."""
        if position < len(self.words):
            raise LookupError(f"position {position} is a word")
        return self.items[position - len(self.words)]

    def position(self, item: int) -> int:
        """The position of an item."""
        return len(self.words) + item

    def text(self, position: int) -> str:
        """The text of a position in an answer: the value of a word, the name of an item."""
        return self.words[position].value if position < len(self.words) else self.item(position).name

    @property
    def unread(self) -> str:
        """The rest of a question that has more than `MAX_WORDS` words."""
        return self.question[self.words[-1].end :].strip() if len(self.words) == MAX_WORDS else ""

    def overlooked(self, used: Set[str]) -> list[str]:
        """The items that the question calls by their names, if it calls none of those that an answer has `used` so.

        One that is spelled as the schema has it, such as ``price_20``, and a term of the glossary, count whatever else
        is used.
        """
        used = self.schema.named(used)
        used |= {item.name for item in self.items if item.made_of and used.issuperset(item.made_of)}
        for _, _, items in self.schema.spelled(self.question):
            if used.isdisjoint(names := [self.schema.items[item].name for item in items]):
                return names
        question = f" {folded(self.question)} "
        terms = [item for item in self.items if item.made_of and item.name not in used]
        if said := [item.name for item in terms if any(f" {folded(name)} " in question for name in item.called)]:
            return said
        named = {self.items[item].name for (_, item), kind in self.links.items() if kind != "value"}
        if not named.isdisjoint(used):
            return []
        about_used = {word for word, item in self.links if self.items[item].name in used}
        return [
            item.name for item in self.items if item.name not in used and not about_used.issuperset(self._called(item))
        ]

    def _called(self, item: Item) -> set[int]:
        """The words that are the name of an item, without what it belongs to."""
        name = re.escape(item.name.rpartition(".")[2])
        spans = [match.span() for match in re.finditer(rf"(?<!\w){name}(?!\w)", self.question, re.IGNORECASE)]
        return {
            place
            for place, word in enumerate(self.words)
            if any(start < word.end and word.start < end for start, end in spans)
        }

    def span(self, first: int, last: int) -> str:
        """The text from one word to another, without a quotation mark at one end that has none at the other."""
        text = self.question[self.words[first].start : self.words[last].end]
        if text[0] in _QUOTES and text.count(text[0]) == 1:
            return text[1:]
        return text[:-1] if text[-1] in _QUOTES and text.count(text[-1]) == 1 else text


def read(
    question: str, schema: Schema, shown: Sequence[int] | None = None, own: Sequence[Word] | None = None
) -> Reading:
    """Read a question. `shown`: the items that the student sees, in their order; None: all. `own`: its words."""
    own = words(question) if own is None else own
    chosen = range(len(schema.items)) if shown is None else shown
    places = {item: place for place, item in enumerate(chosen)}
    links = {(word, places[item]): kind for (word, item), kind in schema.link(question, own, chosen).items()}
    items = [schema.items[item] for item in chosen]
    of_words, of_items = _kinds_by_end(links)
    features = [_for_word(word, of_words.get(place, [])) for place, word in enumerate(own)]
    features += [_for_item(item, of_items.get(place, [])) for place, item in enumerate(items)]
    return Reading(question=question, words=own, items=items, links=links, features=features, schema=schema)


def _kinds_by_end(links: Mapping[tuple[int, int], str]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    of_words: dict[int, list[str]] = {}
    of_items: dict[int, list[str]] = {}
    for (word, item), kind in links.items():
        of_words.setdefault(word, []).append(kind)
        of_items.setdefault(item, []).append(kind)
    return of_words, of_items


def _for_word(word: Word, links: Sequence[str]) -> dict[str, float]:
    features = {f"kind:{word.kind}": 1.0, f"={word.text.lower()}": 1.0}
    if word.quoted:
        features["quoted"] = 1.0
    if word.text[0].isupper():
        features["capital"] = 1.0
    if word.kind == "number" and len(word.text) == 4 and word.text[:2] in ("19", "20"):
        features["year"] = 1.0
    features |= {f"linked:{kind}": 1.0 for kind in links}
    return {**features, **_grams(word.stems, ""), **_meanings(word.stems)}


def _for_item(item: Item, links: Sequence[str]) -> dict[str, float]:
    counts = Counter(links)
    linked = {f"links:{kind}:{min(n, _MOST_LINKS)}": 1.0 for kind, n in counts.items()} or {"links:none": 1.0}
    return {**_for_any_question(item), **linked}


@lru_cache(maxsize=65536)
def _for_any_question(item: Item) -> Mapping[str, float]:
    features = {f"type:{item.kind}": 1.0, **dict.fromkeys(item.features, 1.0)}
    for prefix, named in (("", item.words[:4]), ("above", item.above[-3:]), ("about", item.description[:8])):
        features |= {f"{prefix}={word}": 0.7 for word in named}
    return {**features, **_grams(item.words[:4], ""), **_meanings((*item.words[:4], *item.description[:8]))}


def _meanings(named: Sequence[str]) -> Mapping[str, float]:
    """The words themselves, which a student may know the meaning of; together they weigh as much as one feature."""
    return {f"{MEANING}{word}": n / len(named) for word, n in Counter(named).items()}


@lru_cache(maxsize=65536)
def _grams(named: tuple[str, ...], prefix: str) -> Mapping[str, float]:
    """Character n-grams of words, which together weigh as much as one feature."""
    grams = [gram for word in named for gram in _grams_of(word)]
    return {f"{prefix}{gram}": len(grams) ** -0.5 for gram in grams}


@lru_cache(maxsize=65536)
def _grams_of(word: str) -> tuple[str, ...]:
    def cut() -> Iterator[str]:
        marked = f"<{word}>"
        for length in (3, 4):
            for start in range(len(marked) - length + 1):
                yield marked[start : start + length]

    return tuple(sorted(set(cut())))[:_GRAMS]
