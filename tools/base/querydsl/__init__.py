"""What the base of the Query DSL pack is trained on: endless rows about invented and written indices.

No bundled index, and no template of `test_unseen_templates`, is in them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import dstill_querydsl
from dstill.api.form import NotExpressible
from dstill.api.records import Example
from dstill.linked.names import singular
from dstill.synthesis.plans import Skip
from dstill_linked.making.data import Answers
from dstill_querydsl.bundle.handwritten import DEVELOPMENT, HANDWRITTEN, handwritten
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.form.query_form import QueryForm
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.variants import rename, vary
from dstill_querydsl.questions.formal import formal
from dstill_querydsl.questions.formal.subject import subject_of
from dstill_querydsl.questions.invented_schemas.stream import replay
from dstill_querydsl.questions.templates.lexicon import Lexicon
from dstill_querydsl.questions.templates.roles import roles_of
from dstill_querydsl.questions.templates.words import noun_of
from dstill_querydsl.settings import Settings
from tools.base.pack import Pack
from tools.base.querydsl import development, written

__all__ = ["PACK", "answers"]

# Shares of rows; the others are about invented schemas
WRITTEN = 0.4  # written one by one (`written`)
FORMAL = 0.12  # formal questions about the indices that were made up for the written ones
PER_VARIANT = 96  # questions about one schema variant
OWN_NAMES = 0.5  # share of variants that are the index as it is: the written words are about its names


def answers(seed: int) -> Answers:
    """Readings and the tokens of their answers, without end."""
    random = Random(f"base {seed}")
    sources = (_written(random), _formal(random), replay(seed))
    shares = (WRITTEN, FORMAL, 1 - WRITTEN - FORMAL)
    while True:
        yield next(random.choices(sources, shares)[0])


def _written(random: Random) -> Answers:
    everything = [(written.index(name), written.questions(name)) for name in written.NAMES]
    while True:
        index, examples = random.choice(everything)
        yield from _about(index, random.sample(examples, len(examples) // 2), random)


def _formal(random: Random) -> Answers:
    """Formal questions about the same indices as the written ones."""
    indices = [written.index(name) for name in written.NAMES]
    while True:
        index = random.choice(indices)
        lexicon = Lexicon.of(index.mapping)
        roles, _ = roles_of(index.mapping, index.values, lexicon)
        noun = random.choice((noun_of(index.name), "record", "entry", "document", "item", noun_of(index.name)))
        about = subject_of(roles, singular(noun), random)
        profile = IndexProfile(index, Settings().guard)
        form = QueryForm(lambda _, profile=profile: profile)  # type: ignore[misc]
        for _ in range(PER_VARIANT // 2):
            try:
                question, body = formal(about, random)
                reading = form.read(Example(id="", question=question))
                yield reading, form.encode(json.dumps(body), reading)
            except NotExpressible:
                continue
            except Skip:
                break


def _about(index: Index, examples: Sequence[Example], random: Random) -> Answers:
    """The questions about a variant of the index, or about the index as it is."""
    names: dict[str, str] = {}
    if random.random() >= OWN_NAMES:
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


PACK = Pack(
    task="querydsl",
    form=QueryForm(lambda _: None, replay=replay),
    folder=Path(dstill_querydsl.__file__).with_name("base"),
    answers=answers,
    development={
        **{name: partial(development.questions, name) for name in development.NAMES},
        DEVELOPMENT: partial(handwritten, DEVELOPMENT),
    },
    held_out={name: partial(handwritten, name) for name in HANDWRITTEN if name != DEVELOPMENT},
    settings={"task.querydsl.corpora": 0},
    about=f"""Questions about invented schemas of many domains, formal and free, made by dstill (`tools/base/querydsl`);
formal questions about {len(written.NAMES)} other indices; and {written.COUNT:,} questions about these that a large
language model wrote one by one (`tools/base/querydsl/written.jsonl.xz`). The training began with the weights of an
earlier base, which had also learnt questions about the bundled indices that are not held out. Not among them: the
held-out indices `quakes`, `birdstrikes` and `factbook`, the questions of the test sets of a bundled index, and the
questions of the scores below.""",
    weaknesses=(
        "It reads at most 64 fields of a mapping, those that rank best for the question.",
        "It knows a field by its name, description, type and known values: with other words it may be missed.",
    ),
)
