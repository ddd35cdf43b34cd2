"""Weights of a student of one form as the first weights of a student of another.

What reads a question and links it to a schema is much the same in every language. Tokens differ, and a few features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from dstill_linked.shape import FIRST
from dstill_linked.vocabulary import BUCKETS, NUMBERS, Vocabulary

__all__ = ["transferred"]

Named = Iterator[tuple[object, int]]  # what a row is for, and its number


def transferred(
    known: Mapping[str, Tensor], source: Vocabulary, new: Mapping[str, Tensor], target: Vocabulary
) -> dict[str, Tensor]:
    """The weights `known`; of features and tokens, the rows that both have, and those of `new` for others.

    Raises RuntimeError if other weights differ in their sizes.
    """
    made = {**known}
    for name, rows in (("features.weight", _features), ("tokens.weight", _tokens)):
        there = dict(rows(source))
        pairs = [(number, there[what]) for what, number in rows(target) if what in there]
        made[name] = new[name].clone()
        made[name][[mine for mine, _ in pairs]] = known[name][[theirs for _, theirs in pairs]]
    return made


def _features(vocabulary: Vocabulary) -> Named:
    yield from ((number, number) for number in range(NUMBERS))
    yield from zip(vocabulary.features, range(NUMBERS, vocabulary.n_features), strict=False)
    hashed = vocabulary.n_features - BUCKETS
    yield from (((bucket,), hashed + bucket) for bucket in range(BUCKETS))


def _tokens(vocabulary: Vocabulary) -> Named:
    yield from ((number, number) for number in range(FIRST))
    yield from zip(vocabulary.tokens, range(FIRST, vocabulary.n_tokens), strict=True)
