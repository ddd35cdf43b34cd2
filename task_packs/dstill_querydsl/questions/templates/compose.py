"""Compose a question with gold and rationale from a template and a document.

    compose(context, TEMPLATES[0], Random(1)) ComposedQuestion(example=Example(question="films with genre Drama",
    answer='{"query":…}', …), skeleton="_ with _ _", …)

Golds are always written in one way: compact JSON, filters in the order of the question, `bool.filter` and
`bool.must_not` instead of a bare clause. A question without conditions has no `query`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from dstill.api.records import Example
from dstill_querydsl.questions.templates.adversarial_mapping import poisoned
from dstill_querydsl.questions.templates.clause import Clause, fill, noun_phrase, shuffled, terse_phrase
from dstill_querydsl.questions.templates.conditions import CONDITIONS
from dstill_querydsl.questions.templates.context import Draw, QuestionContext
from dstill_querydsl.questions.templates.documents import ASKS
from dstill_querydsl.questions.templates.levels import LEVELS
from dstill_querydsl.questions.templates.plan import Template
from dstill_querydsl.questions.templates.prompt import Ask, AskMaker
from dstill_querydsl.questions.templates.refusals import REFUSALS
from dstill_querydsl.questions.templates.styles import in_haste, lengthened, mistyped, two_sentences
from dstill_querydsl.questions.templates.summaries import SUMMARIES
from dstill_querydsl.questions.templates.words import mark, plain, skeleton

__all__ = ["ComposedQuestion", "compose"]

OPERATIONS: Mapping[str, AskMaker] = {**ASKS, **SUMMARIES, **LEVELS}


@dataclass(frozen=True, kw_only=True)
class ComposedQuestion:
    """An example, and what it was composed from."""

    example: Example
    marked: str  # the question with marks around values and names
    body: Mapping[str, Any]  # the gold, parsed
    context: QuestionContext

    @property
    def skeleton(self) -> str:
        """The question without values and names."""
        return skeleton(self.marked)


def compose(context: QuestionContext, template: Template, random: Random) -> ComposedQuestion:
    """One question. Raises Skip if the drawn document does not fit the template."""
    draw = context.draw(random)
    clauses = shuffled(draw, [CONDITIONS[kind](draw) for kind in template.clauses])
    if template.ask in REFUSALS:
        refused = REFUSALS[template.ask](draw)
        ways, slots, why = refused.ways, refused.slots, refused.why
        body: dict[str, Any] = {"refusal": {"reason": refused.reason, "missing": list(refused.missing)}}
    else:
        ask = OPERATIONS[template.ask](draw)
        ask = in_haste(template.ask, ask) if template.style == "terse" else ask
        ways, slots, body = ask.ways, ask.slots, _body(ask, clauses)
        why = " ".join([*(clause.why for clause in clauses), ask.why])
    text = _text(draw, template.style, draw.random.choice(list(ways)), slots, clauses)
    example = Example(
        id="",
        question=plain(text),
        context=_context(draw, template.style),
        answer=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
        rationale=why,
        category=template.category,
        template=template.name,
    )
    return ComposedQuestion(example=example, marked=text, body=body, context=context)


def _text(draw: Draw, style: str, way: str, slots: Mapping[str, Any], clauses: Sequence[Clause]) -> str:
    apart = tuple(clause for clause in clauses if clause.place == "before") if style == "paraphrase" else clauses
    phrase = terse_phrase(draw, clauses) if style == "terse" else noun_phrase(draw, apart)
    text = _filled(way, slots, phrase)
    if style == "paraphrase":
        return two_sentences(draw, text, clauses)
    if style == "typo":
        return mistyped(draw, text)
    return lengthened(draw, text) if style == "long" else text


def _filled(way: str, slots: Mapping[str, Any], phrase: str) -> str:
    """The wording with its slots filled. Slots that have marks already are not marked again."""
    before, _, after = way.partition("{what}")
    if "{what}" not in way:
        return _slots(way, slots)
    return f"{_slots(before, slots)}{phrase}{_slots(after, slots)}"


def _slots(text: str, slots: Mapping[str, Any]) -> str:
    opened, closed = mark("")[0], mark("")[1]
    return fill(text, **slots).replace(opened * 2, opened).replace(closed * 2, closed)


def _body(ask: Ask, clauses: Sequence[Clause]) -> dict[str, Any]:
    occurs = {
        occur: [clause.body for clause in clauses if clause.occur == occur]
        for occur in ("filter", "must_not")
        if any(clause.occur == occur for clause in clauses)
    }
    query = {"query": {"bool": occurs}} if occurs else {}
    return {**ask.before, **query, **ask.after}


def _context(draw: Draw, style: str) -> dict[str, Any]:
    context = dict(draw.context.example_context)
    return {**context, "mapping": poisoned(draw, draw.context.index.mapping)} if style == "poisoned" else context
