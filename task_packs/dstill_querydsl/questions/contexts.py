"""The scenes of one index: itself, and where it is bundled a few of its schema variants.

    scenes = Scenes.of(index, seed=0)
    scenes.pick("variant", random).context     {"index": "movies", "variant": 2}

A variant keeps the words that people use and changes the fields: what the words mean must be read
in the mapping. An index of the user's own has none, for its engine does not hold them; nor have
questions for a student that does not read the mapping: one question would have several answers.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import islice
from random import Random
from typing import Any, Mapping

from dstill_querydsl.bundle.indices import NAMES, Index
from dstill_querydsl.questions.context import Scene
from dstill_querydsl.questions.lexicons import LEXICONS
from dstill_querydsl.variants import Variant, vary

__all__ = ["Scenes"]

VARIANTS = 2
SAMPLE = 800  # documents that golds are tried on


class Scenes:
    def __init__(self, index: Index, seed: int, *, variants: bool = True) -> None:
        self.index, self.seed, self.variants = index, seed, variants
        told = LEXICONS.get(index.name) if self._bundled else None
        self.base = Scene.of(index, seed=seed, lexicon=told, runs=_sample(index) if self._bundled else None)

    @property
    def _bundled(self) -> bool:
        return self.index.name in NAMES and bool(self.index.recipe)

    def has(self, style: str) -> bool:
        return style != "variant" or (self.variants and self._bundled)

    def pick(self, style: str, random: Random) -> Scene:
        return random.choice(self._variants) if style == "variant" else self.base

    @cached_property
    def _variants(self) -> list[Scene]:
        seeds = [self.seed * VARIANTS + number for number in range(VARIANTS)]
        return [_variant(self.index, self.base.runs, seed) for seed in seeds]


def _sample(index: Index) -> Index:
    """Documents from all of the index: what some of them meet, the whole index does not miss."""
    step = max(1, sum(1 for _ in index.documents()) // SAMPLE)
    recipe = f"{index.recipe}, one in {step}"
    return replace(index, documents=lambda: islice(index.documents(), 0, None, step), recipe=recipe)


def _variant(index: Index, sample: Index, seed: int) -> Scene:
    """Golds run without the fields that nobody asks for: an engine takes long over those."""
    variant = vary(index, seed)
    return Scene.of(
        variant.index,
        runs=vary(sample, seed, distractors=0).index,
        lexicon=_renamed(LEXICONS[index.name], variant),
        only=frozenset(variant.names.values()),
        context={"index": index.name, "variant": seed},
    )


def _renamed(lexicon: Mapping[str, Any], variant: Variant) -> dict[str, Any]:
    """The lexicon for the fields' new names."""
    names = variant.names
    fields = {names[name]: words for name, words in lexicon["fields"].items() if name in names}
    conditions = [
        {**one, "field": names[one["field"]]} for one in lexicon.get("conditions", ()) if one["field"] in names
    ]
    return {**lexicon, "fields": fields, "conditions": conditions}
