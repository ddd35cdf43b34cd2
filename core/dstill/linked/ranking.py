"""The items of a wide schema that a question is about, so that a student reads these alone.

    ranking = Ranking(schema, cues=[(re.compile("km"), ("geo_point", "unit=km"))])
    ranking.best("errors of rosa", words("errors of rosa"), 64)     →  [3, 17, …], numbers of items, best first

An item gets points for each word that links to it: more for a stronger kind of link, more if few items have such a
link (inverse document frequency, Spärck Jones 1972), and more if the words of its name are all there. What a word of
people stands for (`Schema.meant`) counts by its own rarity, and a cue stands for kinds and features of items. Ties, and
items without points, are in the order of their `Item.prior`, then of how rare their words are, as names that repeat a
pattern say little, then of the schema. What an item needs follows it.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import chain

from dstill.linked.linking import LINKS, STOP_WORDS, Item, Schema, begin_alike
from dstill.linked.names import stems
from dstill.linked.words import Word

__all__ = ["Cue", "Ranking"]

Cue = tuple[re.Pattern[str], frozenset[str]]  # what a question has → kinds and features of the items that it needs

# Points of a link of each kind, before rarity.
_VALUE = 5.0
_BY_KIND = {"value": _VALUE, "name": 3.0, "said": 2.0, "short": 1.0, "glued": 1.5, "description": 1.5, "above": 1.5}
_POINTS = tuple(_BY_KIND[kind] for kind in LINKS)
_INITIALS = 0.5
_SPELLING = 100.0  # more than all links of a question
_CUE = 2.0
_CUE_ITEMS = 6  # items of one cue, those that come first without a question
_MEANING = 0.6  # of the points that the word of the schema would have
_COVERAGE = 1.0  # more, for an item all of whose words the question has


class Ranking:
    """Ranks the items of one schema."""

    def __init__(self, schema: Schema, *, cues: Iterable[Cue] = ()) -> None:
        self.schema = schema
        items = schema.items
        self._order = _order(items)
        self._above: dict[str, dict[str, list[int]]] = {}  # first three letters → words of what is above → items
        for number, item in enumerate(items):
            for word in set(item.above):
                self._above.setdefault(word[:3], {}).setdefault(word, []).append(number)
        self._place = {number: place for place, number in enumerate(self._order)}
        self._always = [number for number in self._order if items[number].prior >= 1]
        self._sizes = [len({*item.above, *item.words}) or 1 for item in items]
        numbers = {item.name: number for number, item in enumerate(items)}
        self._needs = [[numbers[name] for name in item.needs if name in numbers] for item in items]
        self._cues: list[tuple[re.Pattern[str], list[int], float]] = []
        for pattern, needed in cues:
            if hits := [n for n in self._order if items[n].kind in needed or not needed.isdisjoint(items[n].features)]:
                self._cues.append((pattern, hits[:_CUE_ITEMS], _CUE * self._rare(len(hits))))
        self._points = lru_cache(maxsize=schema.for_word.cache_parameters()["maxsize"])(self._points_of)

    def best(self, question: str, words: Sequence[Word], most: int | None = None) -> list[int]:
        """Numbers of the `most` best items; None: of all."""
        limit = len(self._order) if most is None else most
        points = self._all_points(question, words)
        ranked = nsmallest(limit, points, key=lambda item: (-points[item], self._place[item]))
        chosen: dict[int, None] = {}
        for item in chain(self._always, ranked, self._order):
            if len(chosen) >= limit:
                break
            chosen.setdefault(item)
            for other in self._needs[item]:
                chosen.setdefault(other)
        return list(chosen)[:limit]

    def _all_points(self, question: str, words: Sequence[Word]) -> dict[int, float]:
        values = {(start, end): items for start, end, items in self.schema.known_values(question)}
        # A word of a longer value says nothing about names, nor does an address.
        own = [
            word
            for word in words
            if word.kind == "word"
            and "/" not in word.text
            and not any(
                start <= word.start and word.end <= end and end - start > len(word.text) for start, end in values
            )
        ]
        points: dict[int, float] = {}
        covered: Counter[int] = Counter()
        for text in dict.fromkeys(word.text for word in own):
            of_text = self._points(text)
            covered.update(of_text.keys())
            for item, more in of_text.items():
                points[item] = points.get(item, 0.0) + more
        for item, count in covered.items():
            points[item] *= 1 + _COVERAGE * min(1.0, count / self._sizes[item])
        once = {question[start:end].lower(): items for (start, end), items in values.items()}
        for items, more in chain(
            ((items, _VALUE * self._rare(len(items))) for items in once.values()),
            ((items, _SPELLING) for _, _, items in self.schema.spelled(question)),
            ((items, _SPELLING) for _, items in self.schema.called(question, words)),
            ((items, _INITIALS * self._rare(len(items))) for _, items in self.schema.initials(own)),
            ((items, more) for pattern, items, more in self._cues if pattern.search(question)),
        ):
            for item in items:
                points[item] = points.get(item, 0.0) + more
        return points

    def _points_of(self, word: str) -> Mapping[int, float]:
        """Items and their points for one word."""
        parts = stems(word)
        # Each part of took_ms has a rarity of its own.
        points: dict[int, float] = defaultdict(float)
        for part in dict.fromkeys(parts) if len(parts) > 1 else (word,):
            for item, more in self._linked(part).items():
                points[item] += more
        for items, more in self._meant(word.lower()):
            for item in items:
                if points[item] < more:
                    points[item] = more
        return points

    def _meant(self, word: str) -> Iterator[tuple[Sequence[int], float]]:
        """Items and their points for each word that this one stands for."""
        for other in () if word in STOP_WORDS else self.schema.meant(word):
            for kind, items in zip(("name", "above"), self.schema.having(other), strict=True):
                if items:
                    yield items, _MEANING * _BY_KIND[kind] * self._rare(len(items))

    def _linked(self, word: str) -> Mapping[int, float]:
        links = self.schema.for_word(word)
        kinds = Counter(kind for kind, alike in links.values() if alike)
        # Rarity counts the items with such a link or a stronger one.
        weights = {
            kind: _POINTS[kind] * self._rare(sum(n for other, n in kinds.items() if other <= kind)) for kind in kinds
        }
        points = {item: weights[kind] * alike for item, (kind, alike) in links.items() if alike}
        for item, more in self._alike_above(word):  # "delayed" for delay.departure: no link, but it says something
            points[item] = max(points.get(item, 0.0), more)
        return points

    def _alike_above(self, word: str) -> Iterator[tuple[int, float]]:
        if word.lower() in STOP_WORDS:
            return
        for stem in stems(word):
            for other, items in self._above.get(stem[:3], {}).items() if len(stem) >= 3 else ():
                if alike := begin_alike(other, stem):
                    yield from ((item, _BY_KIND["above"] * alike * self._rare(len(items))) for item in items)

    def _rare(self, items: int) -> float:
        """How much it says that only this many items have something."""
        return math.log(1 + len(self._order) / items)


def _order(items: Sequence[Item]) -> list[int]:
    """The order without a question."""
    counts = Counter(word for item in items for word in {*item.above, *item.words})
    rarity = [min((counts[word] for word in (*item.above, *item.words)), default=0) for item in items]
    return sorted(range(len(items)), key=lambda number: (-items[number].prior, rarity[number], number))
