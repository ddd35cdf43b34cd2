"""Endless training rows: questions about invented schemas, and about schema variants of the bundled indices.

rows(seed=0)    →  LinkedRow, LinkedRow, …

Held-out indices, and the templates of `test_unseen_templates`, are in neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.io.jsonl import read_rows, write_rows
from dstill.linked import Reading
from dstill_linked.encoding import LinkedRow, row_of
from dstill_linked.vocabulary import BUCKETS, Row, Vocabulary
from dstill_querydsl.bundle.indices import TRAINABLE, Index, bundled
from dstill_querydsl.invented.stream import replay, stream
from dstill_querydsl.linked.form import QueryForm
from dstill_querydsl.mapping.index_profile import IndexProfile
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings
from dstill_querydsl.variants import rename, vary

__all__ = ["FORM", "answers", "asked_about_bundled", "rows", "with_strange_words"]

Asked = Mapping[str, Sequence[Example]]  # bundled index → questions
FORM: Form = QueryForm(lambda _: None, replay=replay)  # for its vocabulary
BUNDLED = 0.25  # share of rows about the bundled indices
QUESTIONS = 6_000  # about each of them
DOCUMENTS = 500  # of which values are known
PER_VARIANT = 96  # questions about one schema variant
SCORED = ("validation", "test", "test_unseen_templates")
SIZES = (Settings().n_questions, 8_000)  # of the datasets whose scored sets are left out: the default's and the demo's
STRANGE = 0.08  # share of words, and of items, that a student does not know by their letters
OWN_NAMES = 0.2  # share of variants that are the index as it is


def rows(seed: int, asked: Asked) -> Iterator[LinkedRow]:
    """Rows without end, the same for the same seed and questions."""
    vocabulary, random = Vocabulary.of(FORM), np.random.default_rng(seed)
    for reading, tokens in answers(seed, asked):
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


def answers(seed: int, asked: Asked) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """Readings and the tokens of their answers."""
    random = Random(f"base {seed}")
    invented = ((question.reading, question.tokens) for question in stream(seed))
    of_bundled = _bundled(random, asked)
    while True:
        yield next(of_bundled if random.random() < BUNDLED else invented)


def _bundled(random: Random, asked: Asked) -> Iterator[tuple[Reading, Sequence[Token]]]:
    while True:
        name = random.choice(TRAINABLE)
        index: Index = bundled(name, DOCUMENTS)
        names: dict[str, str] = {}
        if random.random() >= OWN_NAMES:
            variant = vary(index, random.randrange(1 << 30))
            index, names = variant.index, dict(variant.names)
        profile = IndexProfile(index, Settings().guard)
        form = QueryForm(lambda _, profile=profile: profile)  # type: ignore[misc]
        for example in random.sample(asked[name], PER_VARIANT):
            gold = rename(json.loads(example.answer or "{}"), names) if names else json.loads(example.answer or "{}")
            reading = form.read(replace(example, context={}))
            try:
                yield reading, form.encode(json.dumps(gold), reading)
            except NotExpressible:
                continue


def asked_about_bundled(folder: Path) -> Asked:
    """Questions about the bundled indices, from `folder` if they are there: making them takes minutes."""
    found: dict[str, Sequence[Example]] = {}
    for name in TRAINABLE:
        file = folder / f"{name}.jsonl"
        if not file.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_rows(file, (example.to_row() for example in _asked(name)))
        found[name] = [Example.from_row(row) for _, row in read_rows(file)]
    return found


def _asked(name: str) -> list[Example]:
    """Training questions about the index itself, without those of the scored sets of datasets of these sizes."""
    datasets = [QueryDsl(Settings(index=name, n_questions=size)) for size in SIZES]
    held_out = {_key(one) for scored in datasets for split in SCORED for one in scored.examples(split)}
    examples = QueryDsl(Settings(index=name, n_questions=QUESTIONS)).examples("train")
    own = (example for example in examples if not {"mapping", "variant"} & set(example.context))
    return [example for example in own if _key(example) not in held_out]


def _key(example: Example) -> str:
    return " ".join(example.question.casefold().split())
