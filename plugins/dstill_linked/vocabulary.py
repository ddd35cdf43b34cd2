"""Readings and tokens as numbers.

vocabulary = Vocabulary.of(form)
row = vocabulary.read(reading)                # features and relations as numbers
vocabulary.numbers(tokens)                    # 3 → a pointer to position 3
batch([row, …])                               # arrays, padded

A word has a feature for its place, and an item one for its number, which the words that are linked to it have too: the
model can tell two dates apart, and a word can name its item.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from dstill.api.form import Form, Token
from dstill.linked import LINKS, Reading
from dstill.linked.reading import FEATURES, MEANING
from dstill_linked import meanings
from dstill_linked.shape import END, FIRST

__all__ = ["BUCKETS", "ITEMS", "NUMBERS", "PLACES", "RELATIONS", "Arrays", "Row", "Vocabulary", "batch"]

BUCKETS = 16_384  # rows for features without a row of their own
PLACES, ITEMS = 128, 128  # rows for the place of a word and the number of an item; beyond, they are shared
NUMBERS = PLACES + ITEMS
_FARTHEST = 8  # words further apart have one relation
_WORDS = 2 * _FARTHEST + 1  # relations between words: by distance
_UNLINKED, _UNLINKED_BACK, _ITEMS, _SIBLINGS, _SELF = range(_WORDS, _WORDS + 5)
_LINKED, _LINKED_BACK = _SELF + 1, _SELF + 1 + len(LINKS)
RELATIONS = _LINKED_BACK + len(LINKS)


@lru_cache(maxsize=1 << 17)
def _bucket(name: str) -> int:
    return zlib.crc32(name.encode()) % BUCKETS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One reading as numbers, in small types: thousands are kept."""

    features: NDArray[np.int32]  # of all positions, one after the other
    weights: NDArray[np.float32]  # the same length
    counts: NDArray[np.int32]  # [positions] features of each
    relations: NDArray[np.uint8]  # [positions, positions]


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """Rows as one batch."""

    features: NDArray[np.int32]  # [all features of all positions] rows of the embedding
    weights: NDArray[np.float32]  # the same length: their weights
    offsets: NDArray[np.int64]  # [rows * positions] where the features of a position begin
    relations: NDArray[np.uint8]  # [rows, positions, positions] kinds of relations
    mask: NDArray[np.bool_]  # [rows, positions] True: a position, False: padding


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The numbers of features and tokens of a form."""

    tokens: Sequence[str]
    features: Sequence[str]

    @classmethod
    def of(cls, form: Form) -> Vocabulary:
        """The vocabulary of a form."""
        return cls(tokens=tuple(form.tokens), features=(*FEATURES, *form.features))

    @property
    def n_tokens(self) -> int:
        """Rows of the token embedding."""
        return FIRST + len(self.tokens)

    @property
    def n_features(self) -> int:
        """Rows of the feature embedding."""
        return NUMBERS + len(self.features) + BUCKETS

    def _feature(self, name: str) -> int | None:
        """The number of a feature. Beyond `n_features` are the vectors of words. None: the word has none."""
        if name[0] == MEANING:
            number = meanings.numbers().get(name[1:])
            return None if number is None else self.n_features + number
        own = self._feature_numbers.get(name)
        return NUMBERS + len(self.features) + _bucket(name) if own is None else own

    @cached_property
    def _token_numbers(self) -> Mapping[str, int]:
        return {token: number for number, token in enumerate(self.tokens, start=FIRST)}

    @cached_property
    def _feature_numbers(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.features, start=NUMBERS)}

    def read(self, reading: Reading) -> Row:
        """A reading as numbers."""
        features: list[int] = []
        weights: list[float] = []
        counts: list[int] = []
        for named, numbers in zip(reading.features, _numbers(reading), strict=True):
            numbered = [(self._feature(name), weight) for name, weight in named.items()]
            known = [(number, weight) for number, weight in numbered if number is not None]
            features += [*(number for number, _ in known), *numbers]
            weights += [*(weight for _, weight in known), *[1.0] * len(numbers)]
            counts.append(len(known) + len(numbers))
        return Row(
            features=np.array(features, np.int32),
            weights=np.array(weights, np.float32),
            counts=np.array(counts, np.int32),
            relations=_relations(reading),
        )

    def number(self, token: Token) -> int:
        """The number of a token or pointer; the empty text is the end."""
        if isinstance(token, int):
            return self.n_tokens + token
        return self._token_numbers[token] if token else END

    def numbers(self, tokens: Sequence[Token]) -> list[int]:
        """Tokens as numbers, with the end."""
        return [*map(self.number, tokens), END]

    def text(self, numbers: Sequence[int]) -> list[Token]:
        """Numbers up to the end as tokens."""
        tokens: list[Token] = []
        for number in numbers:
            if number == END:
                break
            tokens.append(self.token(number))
        return tokens

    def token(self, number: int) -> Token:
        """The token of a number; empty for the end."""
        if number >= self.n_tokens:
            return number - self.n_tokens
        return "" if number == END else self.tokens[number - FIRST]


def batch(rows: Sequence[Row]) -> Arrays:
    """Rows padded to the longest one."""
    longest = max(1, *(len(row.counts) for row in rows))
    relations = np.zeros((len(rows), longest, longest), np.uint8)
    counts = np.zeros((len(rows), longest), np.int64)
    for number, row in enumerate(rows):
        size = len(row.counts)
        relations[number, :size, :size] = row.relations
        counts[number, :size] = row.counts
    ends = counts.ravel().cumsum()
    return Arrays(
        features=np.concatenate([row.features for row in rows]),
        weights=np.concatenate([row.weights for row in rows]),
        offsets=ends - counts.ravel(),
        relations=relations,
        mask=counts > 0,
    )


def _numbers(reading: Reading) -> Iterator[list[int]]:
    """The rows of the embedding for the place of each word, and for the number of each item and of the linked ones."""
    words = len(reading.words)
    numbers = [[min(place, PLACES - 1)] for place in range(words)]
    for word, item in reading.links:
        numbers[word].append(PLACES + item % ITEMS)
    yield from numbers
    yield from ([PLACES + item % ITEMS] for item in range(len(reading.items)))


def _relations(reading: Reading) -> NDArray[np.uint8]:
    words, items = len(reading.words), len(reading.items)
    relations = np.full((words + items, words + items), _ITEMS, np.uint8)
    places = np.arange(words)
    relations[:words, :words] = np.clip(places - places[:, None], -_FARTHEST, _FARTHEST) + _FARTHEST
    relations[:words, words:] = _UNLINKED
    relations[words:, :words] = _UNLINKED_BACK
    parents: dict[tuple[str, ...], list[int]] = {}
    for number, above in enumerate((item.above for item in reading.items), start=words):
        if above:
            parents.setdefault(above, []).append(number)
    for siblings in parents.values():
        relations[np.ix_(siblings, siblings)] = _SIBLINGS
    for (word, item), kind in reading.links.items():
        relations[word, words + item] = _LINKED + LINKS.index(kind)
        relations[words + item, word] = _LINKED_BACK + LINKS.index(kind)
    own = np.arange(words, words + items)
    relations[own, own] = _SELF
    return relations
