"""Freely phrased questions in the splits of a dataset.

    found = with_free_phrasing(splits_of(config, 0), unseen_data, profile, config, 0)
    found["train"]      as many questions as before, of which the share `free_phrasing` is freely phrased
    found["test"]       as before, as every other split except `validation`

A template that had training questions still has at least one. Questions and golds that a split holds out are not in
training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from dstill.api.records import Example
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.questions.example_splits import index_of_questions, rules_of
from dstill_querydsl.questions.free_phrasing.for_index import freely_phrased, subject_of
from dstill_querydsl.questions.templates.contexts import QuestionContexts
from dstill_querydsl.questions.templates.generate import numbered
from dstill_querydsl.questions.templates.verify import GoldTrial

__all__ = ["with_free_phrasing"]


def with_free_phrasing(
    splits: Mapping[str, Sequence[Example]],
    unseen_data: Sequence[Example],
    profile: IndexProfile,
    config: Any,
    seed: int,
) -> Mapping[str, list[Example]]:
    """The splits with freely phrased questions in train and validation, or fewer if the index has fewer."""
    index = index_of_questions(config)
    subject = subject_of(QuestionContexts(index, seed, variants=False).base, profile)
    every = [*chain.from_iterable(splits.values()), *unseen_data]
    held_out = {canonical_text(example.answer or "") for example in (*splits["test_unseen_templates"], *unseen_data)}
    with GoldTrial(rules_of(config)) as trial:
        questions = freely_phrased(
            subject, f"{index.name} {seed} free", trial, {example.question.lower() for example in every}, Counter()
        )
        free = (
            question.example for question in questions if canonical_text(question.example.answer or "") not in held_out
        )
        first_of = {example.template: example.id for example in reversed(splits["train"])}
        mixed = {
            "train": _mixed(splits["train"], config.free_phrasing, free, set(first_of.values())),
            "validation": _mixed(splits["validation"], config.free_phrasing, free, ()),
        }
    return {split: list(examples) for split, examples in splits.items()} | numbered(index.name, seed, mixed)


def _mixed(examples: Sequence[Example], share: float, free: Iterator[Example], kept: Collection[str]) -> list[Example]:
    """As many examples, of which a share is new. Those with the ids `kept` stay."""
    others = [example.id for example in examples if example.id not in kept]
    new = list(islice(free, min(round(share * len(examples)), len(others))))
    replaced = set(others[len(others) - len(new) :])
    return [*(example for example in examples if example.id not in replaced), *new]
