"""Readings and tokens as tensors.

vocabulary = Vocabulary.of(form)
row = vocabulary.read(reading)                # features and relations as numbers
vocabulary.numbers(tokens)                    # 3 → a pointer to position 3
batch([row, …])                               # `Sources`, padded
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import torch

from dstill.api.form import Form, Token
from dstill.linked import LINKS, Reading
from dstill.linked.reading import FEATURES
from dstill_linked.model import END, FIRST, Sources

__all__ = ["RELATIONS", "Row", "Vocabulary", "batch", "renumbered"]

BUCKETS = 16_384  # rows for features without a row of their own
PLACES, ITEMS = 128, 128  # rows for the place of a word and the number of an item; beyond, they are shared
NUMBERS = PLACES + ITEMS
_FAR = 8  # words further apart have one relation
_WORDS = 2 * _FAR + 1  # relations between words: by distance
_UNLINKED, _UNLINKED_BACK, _ITEMS, _SIBLINGS, _SELF = range(_WORDS, _WORDS + 5)
_LINKED, _LINKED_BACK = _SELF + 1, _SELF + 1 + len(LINKS)
RELATIONS = _LINKED_BACK + len(LINKS)


@lru_cache(maxsize=1 << 17)
def _bucket(name: str) -> int:
    return zlib.crc32(name.encode()) % BUCKETS


@dataclass(frozen=True, kw_only=True)
class Row:
    """One reading as numbers."""

    features: Sequence[Sequence[int]]  # of each position
    weights: Sequence[Sequence[float]]
    relations: torch.Tensor  # [positions, positions], uint8
    words: int  # the positions that are words; the others are items
    links: Sequence[tuple[int, int]]  # position of a word, number of an item


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

    @cached_property
    def _token_numbers(self) -> Mapping[str, int]:
        return {token: number for number, token in enumerate(self.tokens, start=FIRST)}

    @cached_property
    def _feature_numbers(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.features, start=NUMBERS)}

    def read(self, reading: Reading) -> Row:
        """A reading as numbers."""
        own, first = self._feature_numbers, NUMBERS + len(self.features)
        features = [[own[name] if name in own else first + _bucket(name) for name in one] for one in reading.features]
        return Row(
            features=features,
            weights=[list(one.values()) for one in reading.features],
            relations=_relations(reading),
            words=len(reading.words),
            links=list(reading.links),
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
        found: list[Token] = []
        for number in numbers:
            if number == END:
                break
            found.append(self.token(number))
        return found

    def token(self, number: int) -> Token:
        """The token of a number; empty for the end."""
        if number >= self.n_tokens:
            return number - self.n_tokens
        return "" if number == END else self.tokens[number - FIRST]


def _relations(reading: Reading) -> torch.Tensor:
    words, items = len(reading.words), len(reading.items)
    found = torch.full((words + items, words + items), _ITEMS, dtype=torch.uint8)  # thousands of rows are kept
    places = torch.arange(words)
    found[:words, :words] = (places[None] - places[:, None]).clamp(-_FAR, _FAR) + _FAR
    found[:words, words:] = _UNLINKED
    found[words:, :words] = _UNLINKED_BACK
    parents: dict[tuple[str, ...], list[int]] = {}
    for number, above in enumerate(one.above for one in reading.items):
        if above:
            parents.setdefault(above, []).append(words + number)
    for siblings in parents.values():
        group = torch.tensor(siblings)
        found[group[:, None], group[None]] = _SIBLINGS
    for (word, item), kind in reading.links.items():
        found[word, words + item] = _LINKED + LINKS.index(kind)
        found[words + item, word] = _LINKED_BACK + LINKS.index(kind)
    own = torch.arange(words, words + items)
    found[own, own] = _SELF
    return found


def batch(rows: Sequence[Row]) -> Sources:
    """Rows padded to the longest one.

    A word has a feature for its place, and an item one for its number, which the words that are linked to it have too:
    the model can tell two dates apart, and a word can name its item.
    """
    longest = max(1, *(len(row.features) for row in rows))
    relations = torch.zeros(len(rows), longest, longest, dtype=torch.int64)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    features: list[int] = []
    weights: list[float] = []
    offsets: list[int] = []
    for number, row in enumerate(rows):
        size = len(row.features)
        mask[number, :size] = True
        relations[number, :size, :size] = row.relations
        for names, of, numbers in zip(row.features, row.weights, _numbers(row), strict=True):
            offsets.append(len(features))
            features += names
            features += numbers
            weights += of
            weights += [1.0] * len(numbers)
        offsets += [len(features)] * (longest - size)
    return Sources(
        features=torch.tensor(features, dtype=torch.int64),
        weights=torch.tensor(weights, dtype=torch.float32),
        offsets=torch.tensor(offsets, dtype=torch.int64),
        relations=relations,
        mask=mask,
    )


def renumbered(sources: Sources) -> Sources:
    """The same with other numbers for the items of each row, so that no number stands for one item of a schema.

    For training; drawn with torch's generator.
    """
    rows, positions = sources.mask.shape
    places = torch.arange(len(sources.features), device=sources.offsets.device)
    row = (torch.searchsorted(sources.offsets, places, right=True) - 1) // positions
    orders = torch.stack([torch.randperm(ITEMS) for _ in range(rows)]).to(row.device)
    numbers = (sources.features - PLACES).clamp(0, ITEMS - 1)
    is_number = (sources.features >= PLACES) & (sources.features < NUMBERS)
    return replace(sources, features=torch.where(is_number, PLACES + orders[row, numbers], sources.features))


def _numbers(row: Row) -> list[list[int]]:
    """The rows of the embedding for the place of each word, and for the number of each item and of the linked ones."""
    items = [PLACES + number % ITEMS for number in range(len(row.features) - row.words)]
    found = [[min(place, PLACES - 1)] for place in range(row.words)] + [[item] for item in items]
    for word, item in row.links:
        found[word].append(items[item])
    return found
