"""Links between the words of a question and the items of a schema.

    schema = Schema([Item(name="user.name", words=("name",), above=("user",), kind="keyword", values=("rosa",)), …])
    schema.link("errors of rosa", words("errors of rosa"))     →  {(2, 0): "value"}

The kinds of links, strongest first, are `LINKS`. A word and an item have one link, the strongest. What a word links to
is remembered, since the questions about a schema share most of their words.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import accumulate

from dstill.linked.known import beginning_so, folded, names_of, spans_of, telling_words
from dstill.linked.names import stems
from dstill.linked.spelled import Spelled
from dstill.linked.words import Word

__all__ = ["LINKS", "STOP_WORDS", "Item", "Link", "Schema", "begin_alike"]

LINKS = (
    "value",  # the word is in a known value of the item
    "name",  # it is in the item's name
    "said",  # it says one of the item's known values, in another form or by a part
    "short",  # it has the beginning of a name's word, or is an initial of one (mil: mileage)
    "glued",  # it is inside a name without separators (publication: flddatepublication)
    "description",  # it is in the item's description, or what it stands for is in the item's name (deepest: depth)
    "above",  # it, or what it stands for, is in the name of what the item belongs to
)
_VALUE, _NAME, _SAID, _SHORT, _GLUED, _DESCRIPTION, _ABOVE = range(len(LINKS))
# Words that link to nothing.
STOP_WORDS = frozenset((
    "a", "all", "an", "and", "are", "at", "been", "by", "count", "do", "does", "each", "every", "find", "for",
    "from", "get", "give", "had", "has", "have", "having", "how", "i", "in", "is", "it", "list", "many", "me",
    "much", "need", "no", "not", "of", "on", "or", "per", "show", "than", "that", "the", "their", "them", "there",
    "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "whose", "with", "you",
))  # fmt: skip
_CACHE_SIZE = 400_000  # links of words to items; more words are remembered for a small schema
_SPELLED = 5  # letters of a word that may be misspelled
_NEARLY = 0.85  # how alike the two spellings are: 2 × equal letters / all letters
_INITIALS = (2, 3, 4)  # letters of a name that first letters of words may spell
_SEPARATORS = str.maketrans("_-", "  ")  # between the words of a value
_MEANING = 0.0  # how alike a word and what it stands for are: `Ranking` counts these by themselves
_BEGINNING = 4  # letters that two forms of one word have in common


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item of a schema, such as a field, a column or a table."""

    name: str  # as answers have it; unique in its schema
    words: tuple[str, ...]  # of its name: `names.stems`
    kind: str  # its type, in the task's words: "keyword", "integer"
    above: tuple[str, ...] = ()  # words of what it belongs to: the object or the table
    description: tuple[str, ...] = ()
    called: tuple[str, ...] = ()  # phrases that mean this item and no other, from a glossary
    values: tuple[str, ...] = ()  # known values; `KnownTexts`, if people call them by other names
    features: tuple[str, ...] = ()  # what else the student should know: "unit=ms", "nested"
    made_of: tuple[str, ...] = ()  # names of the items that answers have in its place, if it is computed from them
    needs: tuple[str, ...] = ()  # names of the items that answers about it may need too
    prior: float = 0.0  # how likely answers name it although no word does. 1: shown for every question


Link = tuple[int, float]  # place in `LINKS`, and how alike the word and the item's word are, from 0 to 1


class Schema:
    """The items of one schema, indexed by words."""

    def __init__(self, items: Sequence[Item], meant: Callable[[str], Sequence[str]] = lambda _: ()) -> None:
        """`meant`: a word of people, in lower case → stems of names that it stands for."""
        self.items = tuple(items)
        self.meant = meant
        names, descriptions, above = (defaultdict[str, list[int]](list) for _ in range(3))
        for number, item in enumerate(self.items):
            for places, named in (
                (names, {*item.words, "".join(item.words)}),
                (descriptions, set(item.description)),
                (above, set(item.above)),
            ):
                for word in named:
                    places[word].append(number)
        self._names, self._descriptions, self._above = dict(names), dict(descriptions), dict(above)
        self._starts: dict[str, list[str]] = defaultdict(list)  # first three letters → words of names
        for word in self._names:
            self._starts[word[:3]].append(word)
        # All words of names in one text, which is searched faster than each of them.
        self._ordered = list(self._names)
        self._text = "\n".join(self._ordered)
        self._ends = list(accumulate(len(name) + 1 for name in self._ordered))
        self._values, self._forms = _values_of(self.items)
        self._said: dict[str, list[int]] = defaultdict(list)  # a word that tells a value → items
        for number, item in enumerate(self.items):
            for word in telling_words(item.values):
                self._said[word].append(number)
        self._telling = sorted(self._said)
        self._spelled = Spelled([item.name for item in self.items])
        self._called: dict[str, list[int]] = defaultdict(list)  # folded phrases of a glossary
        for number, item in enumerate(self.items):
            for phrase in dict.fromkeys(folded(phrase) for phrase in item.called):
                self._called[phrase].append(number)
        self.for_word = lru_cache(maxsize=max(64, _CACHE_SIZE // (len(self.items) or 1)))(self._for_word)

    def named(self, names: Set[str]) -> set[str]:
        """Names of the items with these names. The end of a name will do if no item is called so: a column's alone."""
        ends = names - {item.name for item in self.items}
        return {item.name for item in self.items if item.name in names or item.name.rpartition(".")[2] in ends}

    def having(self, stem: str) -> tuple[Sequence[int], Sequence[int]]:
        """Items with a stem in the name, and those with it in the name of what they belong to."""
        return self._names.get(stem, ()), self._above.get(stem, ())

    def link(
        self, question: str, words: Sequence[Word], shown: Sequence[int] | None = None
    ) -> dict[tuple[int, int], str]:
        """(number of a word, number of an item) → the kind of link. `shown`: the items to link; None: all."""
        wanted = None if shown is None else set(shown)
        links = self._for_words(words, wanted)
        for places, items in self.initials(words):
            for place in places:
                for item in items if wanted is None else wanted.intersection(items):
                    links[place, item] = min(_SHORT, links.get((place, item), _SHORT))
        spelled = [(_inside(words, start, end), items) for start, end, items in self.spelled(question)]
        called = [(range(first, last + 1), items) for (first, last), items in self.called(question, words)]
        alone = {place for places, _ in (*spelled, *called) for place in places}  # they mean these items and no other
        links = {(place, item): kind for (place, item), kind in links.items() if place not in alone}
        terms = {place for places, _ in called for place in places}
        known = [(_inside(words, start, end), items) for start, end, items in self.known_values(question)]
        known = [(places, items) for places, items in known if terms.isdisjoint(places)]
        for kind, spans in ((_NAME, (*spelled, *called)), (_VALUE, known)):
            for places, items in spans:
                for item in items if wanted is None else wanted.intersection(items):
                    links |= dict.fromkeys(((place, item) for place in places), kind)
        return {pair: LINKS[kind] for pair, kind in links.items()}

    def _for_words(self, words: Sequence[Word], wanted: Set[int] | None) -> dict[tuple[int, int], int]:
        """The links of single words."""
        kinds: dict[tuple[int, int], int] = {}
        for place, word in enumerate(words):
            if word.kind == "word" and (links := self.for_word(word.text)):
                of = links if wanted is None else wanted if len(wanted) < len(links) else wanted & links.keys()
                for item in of:
                    if (link := links.get(item)) is not None:
                        kinds[place, item] = link[0]
        return kinds

    def called(self, question: str, words: Sequence[Word]) -> Iterator[tuple[tuple[int, int], Sequence[int]]]:
        """Phrases of a glossary in a question: their first and last word, and the items.

        Of two phrases that overlap, the longer one.
        """
        spans = spans_of(question, words) if self._called else ()
        by_span = {span: items for span, text in spans if (items := self._called.get(folded(text)))}
        taken: set[int] = set()
        for first, last in sorted(by_span, key=lambda span: span[0] - span[1]):
            if taken.isdisjoint(places := range(first, last + 1)):
                taken.update(places)
                yield (first, last), by_span[first, last]

    def spelled(self, question: str) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Names that a question spells as the schema has them: start, end, and the items that may be meant."""
        return self._spelled.find(question)

    def strange(self, question: str) -> Iterator[str]:
        """Words of a question that look like names, such as ``user.nme``, and are none of the schema."""
        return self._spelled.strange(question)

    def _for_word(self, word: str) -> Mapping[int, Link]:
        """Number of an item → its link to a word of a question, apart from known values and initials."""
        lower = word.lower()
        if lower in STOP_WORDS:
            return {}
        meant = self.meant(lower)
        own_stems = stems(word) or [word]  # a name may have no letters
        groups: list[tuple[Link, Iterable[int]]] = [
            *(((_NAME, 1.0), self._names.get(stem, ())) for stem in own_stems),
            ((_SAID, 1.0), self._saying(word)),
            *sorted((pair for stem in own_stems for pair in self._alike(stem)), key=lambda pair: -pair[0][1]),
            *self._glued(lower),
            *(((_DESCRIPTION, 1.0), self._descriptions.get(stem, ())) for stem in own_stems),
            *(((_DESCRIPTION, _MEANING), self._names.get(other, ())) for other in meant),
            *(((_ABOVE, 1.0), self._above.get(stem, ())) for stem in own_stems),
            *(((_ABOVE, _MEANING), self._above.get(other, ())) for other in meant),
        ]
        by_item: dict[int, Link] = {}
        for link, items in groups:  # strongest first
            for item in items:
                by_item.setdefault(item, link)
        return by_item or dict.fromkeys(self._nearly_saying(lower), (_SAID, 1.0))

    def _saying(self, word: str) -> Iterator[int]:
        """Items with a known value that a part of the word tells, or that the word is the beginning of."""
        parts = folded(word).split()
        exact = [part for part in parts if part in self._said]
        for part in exact or (beginning_so(parts[0], self._telling) if len(parts) == 1 else ()):
            yield from self._said[part]

    def _nearly_saying(self, word: str) -> Iterator[int]:
        """Items with a known value that a word tells but for its spelling; the first letter is right."""
        if len(word) >= _SPELLED and word.isalpha():
            first, telling = word[0], self._telling
            alike = telling[bisect_left(telling, first) : bisect_left(telling, chr(ord(first) + 1))]
            for near in get_close_matches(folded(word), alike, n=1, cutoff=_NEARLY):
                yield from self._said[near]

    def _alike(self, stem: str) -> Iterator[tuple[Link, Sequence[int]]]:
        """Items with a word in the name that begins alike: one is the beginning of the other, or four letters are."""
        for word in self._starts.get(stem[:3], ()) if len(stem) >= 3 else ():
            if alike := begin_alike(word, stem):
                yield (_SHORT, alike), self._names[word]

    def _glued(self, word: str) -> Iterator[tuple[Link, Sequence[int]]]:
        """Items with the word inside a word of the name, not at its beginning."""
        at = self._text.find(word) if len(word) >= 4 else -1
        while at >= 0:
            number = bisect_right(self._ends, at)
            name = self._ordered[number]
            if not name.startswith(word):
                yield (_GLUED, len(word) / len(name)), self._names[name]
            at = self._text.find(word, self._ends[number])

    def known_values(self, question: str) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Known values in a question: where each starts and ends, and the items that have it."""
        text = _lower(question)
        for match in re.finditer(r"\w+", text):
            for offset, length in self._forms.get(match.group(), ()):
                start = match.start() - offset
                end = start + length
                if (
                    start >= 0
                    and (items := self._values.get(text[start:end]))
                    and not text[end : end + 1].isalnum()
                    and (text[start:end] not in STOP_WORDS or _is_code(question, start, end))
                ):
                    yield start, end, items

    def initials(self, words: Sequence[Word]) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Words whose first letters spell a short name: "date of birth" and dob, "service level agreement" and sla."""
        spoken = [place for place, word in enumerate(words)
                  if word.kind == "word" and word.text.lower() not in STOP_WORDS]  # fmt: skip
        letters = "".join(words[place].text[0].lower()[:1] for place in spoken)
        for start in range(len(letters)):
            for length in _INITIALS:
                if (items := self._names.get(letters[start : start + length])) and start + length <= len(letters):
                    yield spoken[start : start + length], items


def _inside(words: Sequence[Word], start: int, end: int) -> list[int]:
    """Places of the words of which some of the text from `start` to `end` is."""
    return [place for place, word in enumerate(words) if word.start < end and word.end > start]


def _values_of(items: Sequence[Item]) -> tuple[dict[str, list[int]], dict[str, set[tuple[int, int]]]]:
    """Value → items, and the first word of values → where it is in the value, and how long the value is."""
    values: dict[str, list[int]] = {}
    forms: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for number, item in enumerate(items):
        names = (name for name, _ in names_of(item.values))
        for value in dict.fromkeys(_lower(value) for value in (*item.values, *names)):
            if value in values:
                values[value].append(number)
            elif first := re.search(r"\w+", value):
                values[value] = [number]
                forms[first.group()].add((first.start(), len(value)))
    return values, dict(forms)


def _is_code(question: str, start: int, end: int) -> bool:
    """Whether a stop word is written as codes are, such as US and IN."""
    return end - start > 1 and question[start:end].isupper() and not question.isupper()


def _lower(text: str) -> str:
    """In lower case and with spaces as separators. Every character stays where it was: İ has two in lower case."""
    lower = text.lower()
    lower = lower if len(lower) == len(text) else "".join(letter.lower()[0] for letter in text)
    return lower.translate(_SEPARATORS)


def begin_alike(text: str, other: str) -> float:
    """The share of the longer word that both begin with; 0 if they are equal or hardly begin alike."""
    if text == other or not (
        text.startswith(other) or other.startswith(text) or text[:_BEGINNING] == other[:_BEGINNING]
    ):
        return 0.0
    shared = next((n for n, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return shared / max(len(text), len(other))
