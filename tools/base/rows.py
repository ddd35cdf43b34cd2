"""What the data of every pack's base share: rows for the student, and which questions may be trained on.

rows(FORM, answers(seed, folder), seed)               →  LinkedRow, LinkedRow, …
kept(folder, "shop", lambda: unscored(dataset, 6_000))  →  [Example(question=…, answer=…), …]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dstill.api.form import Form
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.io.jsonl import read_rows, write_rows
from dstill_linked.encoding import LinkedRow, row_of
from dstill_linked.vocabulary import BUCKETS, Row, Vocabulary
from tools.base.pack import Answers

__all__ = ["kept", "rows", "unscored", "with_strange_words"]

SCORED = ("validation", "test", "test_unseen_templates")
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


def kept(folder: Path, name: str, make: Callable[[], Iterable[Example]]) -> list[Example]:
    """The questions in the file of that name in `folder`, which `make` makes once: that takes minutes."""
    file = folder / f"{name}.jsonl"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_rows(file, (example.to_row() for example in make()))
    return [Example.from_row(row) for _, row in read_rows(file)]


def unscored(dataset: Callable[[int], Task], count: int, sizes: Sequence[int]) -> list[Example]:
    """The training questions of a dataset of `count`, without those of the scored sets of datasets of `sizes`."""
    held_out = {_key(example) for size in sizes for split in SCORED for example in dataset(size).examples(split)}
    return [example for example in dataset(count).examples("train") if _key(example) not in held_out]


def _key(example: Example) -> str:
    return " ".join(example.question.casefold().split())
