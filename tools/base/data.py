"""Endless training rows: about invented schemas, about schema variants of the bundled indices, and written ones.

rows(seed=0)    →  LinkedRow, LinkedRow, …

Held-out indices, and the templates of `test_unseen_templates`, are in none of them.
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
from tools.base import written

__all__ = ["FORM", "answers", "asked_about_bundled", "rows", "with_strange_words"]

Asked = Mapping[str, Sequence[Example]]  # bundled index → questions
FORM: Form = QueryForm(lambda _: None, replay=replay)  # for its vocabulary
BUNDLED = 0.2  # share of rows about the bundled indices
WRITTEN = 0.2  # share of rows that were written one by one (`tools.base.written`)
QUESTIONS = 6_000  # about each of them
DOCUMENTS = 500  # of which values are known
PER_VARIANT = 96  # questions about one schema variant
SCORED = ("validation", "test", "test_unseen_templates")
SIZES = (Settings().n_questions, 8_000)  # of the datasets whose scored sets are left out: the default's and the demo's
STRANGE = 0.08  # share of words, and of items, that a student does not know by their letters
OWN_NAMES = 0.2  # share of variants that are the index as it is
WRITTEN_NAMES = 0.5  # the same for written questions, whose words are about the names that the index has


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
    of_bundled, written = _bundled(random, asked), _written(random)
    while True:
        drawn = random.random()
        yield next(of_bundled if drawn < BUNDLED else written if drawn < BUNDLED + WRITTEN else invented)


def _bundled(random: Random, asked: Asked) -> Iterator[tuple[Reading, Sequence[Token]]]:
    while True:
        name = random.choice(TRAINABLE)
        index = bundled(name, DOCUMENTS)
        yield from _about(index, random.sample(asked[name], PER_VARIANT), random, OWN_NAMES)


def _written(random: Random) -> Iterator[tuple[Reading, Sequence[Token]]]:
    everything = [(written.index(name), written.questions(name)) for name in written.NAMES]
    while True:
        index, examples = random.choice(everything)
        yield from _about(index, random.sample(examples, len(examples) // 2), random, WRITTEN_NAMES)


def _about(
    index: Index, examples: Sequence[Example], random: Random, own_names: float
) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """The questions about a variant of the index, or with the probability `own_names` about the index as it is."""
    names: dict[str, str] = {}
    if random.random() >= own_names:
        variant = vary(index, random.randrange(1 << 30))
        index, names = variant.index, dict(variant.names)
    profile = IndexProfile(index, Settings().guard)
    form = QueryForm(lambda _: profile)
    for example in examples:
        gold = json.loads(example.answer or "{}")
        reading = form.read(replace(example, context={}))
        try:
            yield reading, form.encode(json.dumps(rename(gold, names) if names else gold), reading)
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
