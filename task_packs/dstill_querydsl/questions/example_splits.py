"""The sets of questions that belong to a configuration: what `QueryDsl.examples` gives.

    sets_of(Settings(index="movies"), seed=0)["test_unseen_templates"]    questions of unseen templates
    unseen(Settings(index="movies"), seed=0)                       of `quakes`: an index that nothing is trained on

`weblogs` has templates of its own, every other index those that its mapping gives. An index of the
user's has no set of an unseen index: its engine holds no other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Iterable, Mapping, Sequence

from dstill.api.records import Example
from dstill_querydsl.bundle.indices import HELD_OUT, bundled, configured, trainable
from dstill_querydsl.canonical import canonical_text
from dstill_querydsl.questions import Rules, questions, splits
from dstill_querydsl.questions.focus import focused
from dstill_querydsl.synthesize import split_examples

__all__ = ["HAND_WRITTEN", "rules_of", "sets_of", "unseen"]

SPARE = 20  # questions more than could be enough
HAND_WRITTEN = "weblogs"
UNSEEN = 200  # questions of an unseen index, or a thirtieth of what is trained on


def rules_of(config: Any) -> Rules:
    return Rules(dialect=config.dialect, limits=config.guard)


def sets_of(config: Any, seed: int) -> Mapping[str, list[Example]]:
    """Split → questions, all but the unseen index."""
    if config.mapping:
        own = configured(config.index, config.mapping, config.values)
        return splits(focused(own, config.question_fields), config.n_questions, seed, rules_of(config))
    index = bundled(trainable(config.index), config.documents)
    if index.name == HAND_WRITTEN:
        return split_examples(index, rows=config.n_questions, seed=seed)
    return splits(index, config.n_questions, seed, rules_of(config), variants=config.student_context == "mapping")


def unseen(config: Any, seed: int, trained: Iterable[Example]) -> list[Example]:
    """`test_unseen_data`: questions about an index that nothing is trained on, no gold of which is in `trained`."""
    if config.mapping:
        return []
    count = min(UNSEEN, max(1, config.n_questions // 30))
    golds = {canonical_text(example.answer or "") for example in trained}
    drawn = list(questions(bundled(HELD_OUT[0], config.documents), 3 * count + SPARE, seed, rules_of(config)))
    # A write is refused in the same words everywhere: what stays of a category makes up for what does not.
    free = [one for one in drawn if canonical_text(one.answer or "") not in golds]
    return [replace(one, split="test_unseen_data") for one in _alike(free, drawn[:count])]


def _alike(pool: Sequence[Example], pattern: Sequence[Example]) -> list[Example]:
    """As many of `pool` as the pattern has, of each category as many as can be had."""
    wanted = Counter(one.category for one in pattern)
    chosen: list[Example] = []
    others: list[Example] = []
    for one in pool:
        (chosen if wanted[one.category] > 0 else others).append(one)
        wanted[one.category] -= 1
    return [*chosen, *others][: len(pattern)]
