"""Compose examples from templates and documents, and divide them into splits.

    split_examples(index, rows=6000, seed=0)["test"][0]
    Example(id="weblogs-0-test-0000", question="…", answer='{"query":{"bool":{"filter":[…]}}}', split="test", …)

Golds are always written in one way: compact JSON, filters in the order of the template, `bool.filter`
and `bool.must_not` instead of a bare clause.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from dstill.api.records import Example
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.canonical import canonical_text
from dstill_querydsl.questions.focus_weights import FocusWeights
from dstill_querydsl.questions.generate import numbered
from dstill_querydsl.questions.plan import Template
from dstill_querydsl.synthesize.aggregations import AGGREGATIONS
from dstill_querydsl.synthesize.clauses import CLAUSES
from dstill_querydsl.synthesize.dates import DATES
from dstill_querydsl.synthesize.draw import Clause, Draw, Skip, noun_phrase, terse_phrase
from dstill_querydsl.synthesize.operations import OPERATIONS, Ask
from dstill_querydsl.synthesize.refusals import REFUSALS
from dstill_querydsl.synthesize.templates import TEMPLATES

__all__ = ["split_examples", "synthesize"]

ASKS = {**OPERATIONS, **AGGREGATIONS}
MAKERS = {**CLAUSES, **DATES}
TRIES = 400  # documents tried for one question before a template counts as exhausted


@dataclass(frozen=True)
class _Source:
    """An index and its documents."""

    index: Index
    sources: tuple[Mapping[str, Any], ...]

    def draw(self, random: Random) -> Draw:
        now = datetime.fromisoformat(self.index.now)
        return Draw(random=random, source=random.choice(self.sources), now=now)


def _source(index: Index) -> _Source:
    sources = tuple(source for _, source in index.documents())
    if not sources:
        raise DataError(f"index '{index.name}' has no documents to make questions from")
    return _Source(index, sources)


def synthesize(index: Index, n: int, seed: int, focus: FocusWeights | None = None) -> Iterator[Example]:
    """`n` different questions, by the weights of templates. With `focus`, only of its categories."""
    source, random = _source(index), Random(f"{index.name} {seed} {'weak' if focus else 'all'}")
    stream = _unique(source, _focus_templates(focus) if focus else TEMPLATES, random, set())
    for number, example in zip(range(n), stream, strict=False):
        yield replace(example, id=f"{index.name}-{seed}-{number:05d}")


def _focus_templates(focus: FocusWeights) -> tuple[Template, ...]:
    """Templates of the focus categories with their new weights, without held-out ones."""
    parts = [t for t in TEMPLATES if t.category in focus.categories and not t.held_out]
    weights = {t: t.weight * focus.weight(t.name) for t in parts}
    totals = {name: sum(w for t, w in weights.items() if t.category == name) for name in focus.categories}
    return tuple(replace(t, weight=focus.categories[t.category] * w / totals[t.category]) for t, w in weights.items())


def split_examples(index: Index, rows: int, seed: int) -> dict[str, list[Example]]:
    """`rows` training questions, and smaller splits in proportion.

    No question is in two splits. All templates of `test` and `validation` are in training. Templates and canonical
    golds of `test_unseen_templates` are in no other split.
    """
    source, random = _source(index), Random(f"{index.name} {seed} splits")
    questions: set[str] = set()
    held = tuple(t for t in TEMPLATES if t.held_out)
    seen = tuple(t for t in TEMPLATES if not t.held_out)
    unseen = _take(_unique(source, held, random, questions), max(1, rows // 30))
    reserved = {canonical_text(example.answer or "") for example in unseen}
    stream = (e for e in _unique(source, seen, random, questions) if canonical_text(e.answer or "") not in reserved)
    sizes = {"test": max(1, rows // 15), "validation": max(1, rows // 20), "train": rows}
    splits = {name: _take(stream, count) for name, count in sizes.items()}
    trained = {example.template for example in splits["train"]}
    more = (example for example in stream if example.template in trained)
    for name in ("test", "validation"):
        kept = [example for example in splits[name] if example.template in trained]
        splits[name] = kept + _take(more, sizes[name] - len(kept))
    splits["test_unseen_templates"] = unseen
    return numbered(index.name, seed, splits)


def _take(stream: Iterator[Example], count: int) -> list[Example]:
    return [example for _, example in zip(range(count), stream, strict=False)]


def _unique(source: _Source, templates: tuple[Template, ...], random: Random, questions: set[str]) -> Iterator[Example]:
    """Questions that are not in `questions` yet, until every template is exhausted."""
    live = {template: template.weight for template in templates}
    while live:
        template = random.choices(tuple(live), tuple(live.values()))[0]
        example = _example(source, template, random, questions)
        if example is None:
            del live[template]
            continue
        questions.add(example.question.lower())
        yield example


def _example(source: _Source, template: Template, random: Random, questions: set[str]) -> Example | None:
    """One new question of a template. None if the template is exhausted."""
    for _ in range(TRIES):
        try:
            example = _compose(source, template, source.draw(random))
        except Skip:
            continue
        if example.question.lower() not in questions:
            return example
    return None


def _compose(source: _Source, template: Template, draw: Draw) -> Example:
    clauses = tuple(MAKERS[kind](draw) for kind in template.clauses)
    phrase = terse_phrase if template.ask.startswith("terse") else noun_phrase
    if template.ask in REFUSALS:
        refused = REFUSALS[template.ask](draw)
        text, rationale = refused.text, refused.why
        answer: dict[str, Any] = {"refusal": {"reason": refused.reason, "missing": list(refused.missing)}}
    else:
        ask = ASKS[template.ask](draw)
        text, answer = ask.text, _body(ask, clauses)
        rationale = " ".join([*(clause.why for clause in clauses), ask.why])
    return Example(
        id="",
        question=text.format(what=phrase(draw, clauses)),
        context={"index": source.index.name},
        answer=json.dumps(answer, separators=(",", ":"), ensure_ascii=False),
        rationale=rationale,
        category=template.category,
        template=template.name,
    )


def _body(ask: Ask, clauses: tuple[Clause, ...]) -> dict[str, Any]:
    bool_query = {
        occur: [clause.body for clause in clauses if clause.occur == occur]
        for occur in ("filter", "must_not")
        if any(clause.occur == occur for clause in clauses)
    }
    return {**ask.before, "query": {"bool": bool_query}, **ask.after}
