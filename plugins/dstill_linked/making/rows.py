"""Readings and answers as rows for the model.

rows(FORM, answers(seed), seed)    →  LinkedRow, LinkedRow, …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dstill.api.form import Form
from dstill_linked.encoding import LinkedRow, row_of
from dstill_linked.making.data import Answers
from dstill_linked.vocabulary import BUCKETS, Row, Vocabulary

__all__ = ["rows", "with_strange_words"]

STRANGE = 0.08  # share of words, and of items, that a student does not know by their letters


def rows(form: Form, answers: Answers, seed: int) -> Iterator[LinkedRow]:
    """A row for each of `answers`."""
    vocabulary, random = Vocabulary.of(form), np.random.default_rng(seed)
    for reading, tokens in answers:
        row = row_of(vocabulary, reading, tokens)
        yield replace(row, reading=with_strange_words(row.reading, vocabulary, random))


def with_strange_words(row: Row, vocabulary: Vocabulary, random: np.random.Generator) -> Row:
    """The reading with random hashed features for some positions that have a known meaning.

    To a student, each is a word that it never saw; what it means is all that tells it.
    """
    hashed = vocabulary.n_features - BUCKETS
    position = np.repeat(np.arange(len(row.counts)), row.counts)
    known = np.unique(position[row.features >= vocabulary.n_features])
    strange = known[random.random(len(known)) < STRANGE]
    changed = np.isin(position, strange) & (row.features >= hashed) & (row.features < vocabulary.n_features)
    drawn = random.integers(hashed, vocabulary.n_features, len(row.features), dtype=np.int32)
    return replace(row, features=np.where(changed, drawn, row.features))
