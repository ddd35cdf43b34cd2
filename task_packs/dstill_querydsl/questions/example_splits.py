"""The splits of questions for a configuration, which `QueryDsl.examples` gives.

    splits_of(Settings(index="movies"), seed=0)["test_unseen_templates"]   questions of unseen templates
    unseen_data(Settings(index="movies"), seed=0, trained=…)               questions about `quakes`

A user's own index has no split with an unseen index, since its engine has no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dstill.api.records import Example
from dstill_querydsl.bundle.indices import HELD_OUT, Index, bundled, configured
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.questions.templates import Rules, questions, splits
from dstill_querydsl.questions.templates.field_limit import limit_fields

__all__ = ["index_of_questions", "rules_of", "splits_of", "unseen_data"]

SPARE_QUESTIONS = 20  # additional questions, since some are dropped
UNSEEN_LIMIT = 200  # most questions about an unseen index, and at most a thirtieth of the training questions


def rules_of(config: Any) -> Rules:
    """The rules of the settings that golds have to meet."""
    return Rules(dialect=config.dialect, limits=config.guard)


def index_of_questions(config: Any) -> Index:
    """The index of the settings, with the fields that questions use. Raises DataError and UsageError."""
    if config.mapping:
        return limit_fields(configured(config.index, config.mapping, config.values), config.question_fields)
    return bundled(config.index, config.documents)


def splits_of(config: Any, seed: int) -> Mapping[str, list[Example]]:
    """Split → questions, for all splits except `test_unseen_data`."""
    index = index_of_questions(config)
    if config.mapping:
        return splits(index, config.n_questions, seed, rules_of(config))
    return splits(index, config.n_questions, seed, rules_of(config), variants=config.student_context == "mapping")


def unseen_data(config: Any, seed: int, trained: Iterable[Example]) -> list[Example]:
    """Questions of `test_unseen_data`: about an index that is not trained on, without golds of `trained`."""
    if config.mapping:
        return []
    count = min(UNSEEN_LIMIT, max(1, config.n_questions // 30))
    golds = {canonical_text(example.answer or "") for example in trained}
    index = bundled(next(name for name in HELD_OUT if name != config.index), config.documents)
    drawn = list(questions(index, 3 * count + SPARE_QUESTIONS, seed, rules_of(config)))
    # Refusals of writes are the same for every index. Other questions replace those that are dropped for it.
    free = [example for example in drawn if canonical_text(example.answer or "") not in golds]
    return [replace(example, split="test_unseen_data") for example in _with_categories_of(free, drawn[:count])]


def _with_categories_of(pool: Sequence[Example], pattern: Sequence[Example]) -> list[Example]:
    """As many questions of `pool` as `pattern` has, with the same number in each category if possible."""
    wanted = Counter(example.category for example in pattern)
    chosen: list[Example] = []
    others: list[Example] = []
    for example in pool:
        (chosen if wanted[example.category] > 0 else others).append(example)
        wanted[example.category] -= 1
    return [*chosen, *others][: len(pattern)]
