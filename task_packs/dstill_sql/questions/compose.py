"""One question from a template: its text, its gold, and why that is right.

    compose(view, TEMPLATES[0], Random(1), {"db": "shop"})
    Composed(example=Example(question="open orders", answer="SELECT * FROM orders WHERE status = 'open'", …), query=…)

Golds are always written in one way: no aliases unless a table is read twice, joins in the order of the question, its
conditions in their order, IN for rows that are linked, NOT EXISTS for those that are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlglot import exp

from dstill.api.records import Example
from dstill_sql.language import refusals
from dstill_sql.questions.ask_parts import Asked
from dstill_sql.questions.asks import ASKS, Ask
from dstill_sql.questions.asks_groups import GROUPS
from dstill_sql.questions.draw import Draw, Filter, Skip, Subject
from dstill_sql.questions.entities import Entity, View
from dstill_sql.questions.plan import Template
from dstill_sql.questions.refusals import REFUSALS
from dstill_sql.questions.relations import conditions, noun_phrase, terse_phrase
from dstill_sql.questions.scope import plain
from dstill_sql.questions.voices import voiced
from dstill_sql.questions.wordings import filled, wordings

__all__ = ["Composed", "compose"]

_ASKS: Mapping[str, Ask] = {**ASKS, **GROUPS}
_LONGEST = 320  # characters of a question
_KEYWORDS = 0.1  # share of questions in keywords, where the ask has such wordings


@dataclass(frozen=True, kw_only=True)
class Composed:
    """An example with its gold as a tree; None: a refusal."""

    example: Example
    query: exp.Query | None


def compose(view: View, template: Template, random: Random, context: Mapping[str, Any]) -> Composed:
    """One question. Raises Skip if the row that was drawn does not fit the template."""
    draw = Draw(view=view, random=random)
    subject = draw.subject(_entity(draw))
    filters = conditions(subject, template.conditions)
    answer: str
    query: exp.Query | None = None
    if template.ask in REFUSALS:
        refused = REFUSALS[template.ask](subject, filters)
        text = _filled(subject, filters, refused.wording, refused.slots)
        answer, why = refusals.write(refused.missing, refused.reason), f"{refused.reason}."
        draw.mentioned.update(dict.fromkeys(refused.missing, True))
    else:
        ask = _ASKS[template.ask](subject, filters)
        text = _asked_text(subject, filters, template, ask)
        query = plain(ask.query)
        answer = query.sql(view.dialect)
        why = " ".join([*(condition.why for condition in filters), ask.why])
    if len(text) > _LONGEST:
        raise Skip("too long")
    example = Example(
        id="",
        question=voiced(random, text, draw.mentioned),
        context=context,
        answer=answer,
        rationale=why,
        category=template.category,
        template=template.name,
    )
    return Composed(example=example, query=query)


def _entity(draw: Draw) -> Entity:
    """An entity to ask about: those with many fields and links are asked about more."""
    entities = list(draw.view.entities.values())
    weights = [1 + len(entity.fields) + 2 * len(entity.up) + len(entity.down) for entity in entities]
    return draw.random.choices(entities, weights)[0]


def _asked_text(subject: Subject, filters: Sequence[Filter], template: Template, ask: Asked) -> str:
    draw, name = subject.draw, ask.wording or template.ask
    if wordings("keywords", name) and draw.chance(_KEYWORDS):
        return filled(draw.pick(wordings("keywords", name)), t=terse_phrase(subject, filters), **ask.slots)
    absent = [f"{{{slot}}}" for slot, value in ask.slots.items() if not value]
    options = [way for way in wordings("asks", name) if not any(slot in way for slot in absent)]
    shown = filters[:-1] if template.ask == "share" else filters
    return _filled(subject, shown, draw.pick(options), ask.slots)


def _filled(subject: Subject, filters: Sequence[Filter], wording: str, slots: Mapping[str, str]) -> str:
    words = subject.entity.words
    several = words.plural if subject.draw.chance(0.75) else subject.draw.pick(words.plurals)
    own = {
        "w": noun_phrase(subject, several, filters) if "{w}" in wording else "",
        "s": noun_phrase(subject, words.noun, filters) if "{s}" in wording else "",
        "noun": words.noun,
        "nouns": several,
    }
    return filled(wording, **{**own, **slots})
