"""The contexts of questions about one index: the index itself, and a few schema variants if it is bundled.

    contexts = QuestionContexts(index, seed=0)
    contexts.pick("variant", random).example_context     {"index": "movies", "variant": 2}

A variant keeps the words of people and changes the fields, so a student must read the mapping. A user's own index has
no variants, since its engine does not have them. Neither has a student that does not read the mapping, since one
question would have several answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from random import Random
from typing import Any

from dstill_querydsl.bundle.indices import NAMES, Index
from dstill_querydsl.language.variants import Variant, vary
from dstill_querydsl.questions.templates.context import QuestionContext
from dstill_querydsl.questions.templates.lexicons import LEXICONS

__all__ = ["QuestionContexts"]

VARIANTS = 2
SAMPLE = 800  # documents that golds are run on


class QuestionContexts:
    """Gives a context for each question of an index."""

    def __init__(self, index: Index, seed: int, *, variants: bool = True) -> None:
        self.index, self.seed, self.variants = index, seed, variants
        lexicon = LEXICONS.get(index.name) if self._bundled else None
        self.base = QuestionContext.of(
            index, seed=seed, lexicon=lexicon, trial_index=_sample(index) if self._bundled else None
        )

    @property
    def _bundled(self) -> bool:
        return self.index.name in NAMES and bool(self.index.recipe)

    def has(self, style: str) -> bool:
        return style != "variant" or (self.variants and self._bundled)

    def pick(self, style: str, random: Random) -> QuestionContext:
        return random.choice(self._variants) if style == "variant" else self.base

    @cached_property
    def _variants(self) -> list[QuestionContext]:
        seeds = [self.seed * VARIANTS + number for number in range(VARIANTS)]
        return [_variant(self.index, self.base.trial_index, seed) for seed in seeds]


def _sample(index: Index) -> Index:
    """A sample from the whole index. A condition that some of these documents meet is met in the index too."""
    step = max(1, sum(1 for _ in index.documents()) // SAMPLE)
    recipe = f"{index.recipe}, one in {step}"
    return replace(index, documents=lambda: islice(index.documents(), 0, None, step), recipe=recipe)


def _variant(index: Index, sample: Index, seed: int) -> QuestionContext:
    """The context of a variant. Golds are run without the additional fields, which would slow down the engine."""
    variant = vary(index, seed)
    return QuestionContext.of(
        variant.index,
        trial_index=vary(sample, seed, distractors=0).index,
        lexicon=_renamed(LEXICONS[index.name], variant) if index.name in LEXICONS else None,
        only=frozenset(variant.names.values()),
        context={"index": index.name, "variant": seed},
    )


def _renamed(lexicon: Mapping[str, Any], variant: Variant) -> dict[str, Any]:
    """The lexicon under the new names of fields."""
    names = variant.names
    fields = {names[name]: words for name, words in lexicon["fields"].items() if name in names}
    conditions = [
        {**entry, "field": names[entry["field"]]} for entry in lexicon.get("conditions", ()) if entry["field"] in names
    ]
    return {**lexicon, "fields": fields, "conditions": conditions}
