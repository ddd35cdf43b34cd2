"""What the base of the Query DSL pack is trained on: endless rows about invented, bundled and written indices.

Held-out indices, and the templates of `test_unseen_templates`, are in none of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import dstill_querydsl
from dstill.api.form import NotExpressible
from dstill.api.records import Example
from dstill_querydsl.bundle.handwritten import DEVELOPMENT, HANDWRITTEN, handwritten
from dstill_querydsl.bundle.indices import TRAINABLE, Index, bundled
from dstill_querydsl.form.query_form import QueryForm
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.variants import rename, vary
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.invented_schemas.stream import replay
from dstill_querydsl.settings import Settings
from tools.base.pack import Answers, Pack
from tools.base.querydsl import development, written
from tools.base.rows import kept, unscored

__all__ = ["PACK", "answers", "asked_about_bundled"]

Asked = Mapping[str, Sequence[Example]]  # bundled index → questions
BUNDLED = 0.2  # share of rows about the bundled indices
WRITTEN = 0.35  # share of rows that were written one by one (`written`)
QUESTIONS = 6_000  # about each of them
DOCUMENTS = 500  # of which values are known
PER_VARIANT = 96  # questions about one schema variant
SIZES = (Settings().n_questions, 8_000)  # of the datasets whose scored sets are left out: the default's and the demo's
OWN_NAMES = 0.2  # share of variants that are the index as it is
WRITTEN_NAMES = 0.5  # the same for written questions, whose words are about the names that the index has


def answers(seed: int, folder: Path) -> Answers:
    """Readings and the tokens of their answers, without end."""
    random = Random(f"base {seed}")
    of_bundled, by_hand, invented = _bundled(random, asked_about_bundled(folder)), _written(random), replay(seed)
    while True:
        drawn = random.random()
        yield next(of_bundled if drawn < BUNDLED else by_hand if drawn < BUNDLED + WRITTEN else invented)


def _bundled(random: Random, asked: Asked) -> Answers:
    while True:
        name = random.choice(TRAINABLE)
        index = bundled(name, DOCUMENTS)
        yield from _about(index, random.sample(asked[name], PER_VARIANT), random, OWN_NAMES)


def _written(random: Random) -> Answers:
    everything = [(written.index(name), written.questions(name)) for name in written.NAMES]
    while True:
        index, examples = random.choice(everything)
        yield from _about(index, random.sample(examples, len(examples) // 2), random, WRITTEN_NAMES)


def _about(index: Index, examples: Sequence[Example], random: Random, own_names: float) -> Answers:
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
    """Questions about each of the bundled indices, from `folder` if they are there."""
    return {
        name: kept(folder, name, partial(unscored, partial(_dataset, name), QUESTIONS, SIZES)) for name in TRAINABLE
    }


def _dataset(name: str, size: int) -> QueryDsl:
    return QueryDsl(Settings(index=name, n_questions=size))


PACK = Pack(
    task="querydsl",
    form=QueryForm(lambda _: None, replay=replay),
    folder=Path(dstill_querydsl.__file__).with_name("base"),
    prepare=asked_about_bundled,
    answers=answers,
    development={
        **{name: partial(development.questions, name) for name in development.NAMES},
        DEVELOPMENT: partial(handwritten, DEVELOPMENT),
    },
    held_out={name: partial(handwritten, name) for name in HANDWRITTEN if name != DEVELOPMENT},
    settings={"task.querydsl.corpora": 0},
    data=f"""Questions about invented schemas of many domains, and about variants of the indices that the pack bundles,
made by dstill (`tools/base/querydsl`); and {written.COUNT:,} questions about {len(written.NAMES)} other indices that a
large language model wrote one by one (`tools/base/querydsl/written.jsonl.xz`). Not among them: the held-out indices
`quakes`, `birdstrikes` and `factbook`, the questions of the test sets of a bundled index, and the hand-written
questions of the scores below.""",
    weaknesses=(
        "It reads at most 64 fields of a mapping, those that rank best for the question.",
        "It knows a field by its name, description, type and known values: with other words it may be missed.",
    ),
)
