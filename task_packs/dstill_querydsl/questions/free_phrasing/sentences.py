"""The sentence of a freely phrased question, and its gold.

    question = draw_question(subject, random)
    question.example.question     "in may 2019, which branch had the most late orders"
    question.example.template     "asked/top_groups:boolean+month"

A question is what is asked (`shapes`), none to three conditions (`conditions`), and a wording of
asked.toml. Conditions stand before the documents, after them, at the beginning or at the end. One question in six is in
keywords, and one in seven is to be refused. No question has a held-out shape of `plan`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

from dstill.api.records import Example
from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.conditions import KINDS, condition
from dstill_querydsl.questions.free_phrasing.refusals import refusal
from dstill_querydsl.questions.free_phrasing.roles import KINDS as ROLE_KINDS
from dstill_querydsl.questions.free_phrasing.roles import role_condition
from dstill_querydsl.questions.free_phrasing.shape_parts import Shape
from dstill_querydsl.questions.free_phrasing.shapes import SHAPES, shape
from dstill_querydsl.questions.free_phrasing.subject import Subject
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, Form, WordedCondition, filled, options
from dstill_querydsl.questions.invented_schemas.vocabulary import vocabulary
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.questions.templates.words import mark, plain

__all__ = ["draw_question"]

REFUSAL_PERCENT = 14  # percent of questions
KEYWORDS = 17  # percent of the others
_HOW_MANY = (0, 1, 1, 1, 1, 2, 2, 2, 3)  # conditions
_TRIES = 6  # for a condition, since a document may lack its fields
_HELD_OUT = frozenset(template.shape for template in TEMPLATES if template.held_out)
_CONDITION_KINDS, _CONDITION_WEIGHTS = (*KINDS, *ROLE_KINDS), (*KINDS.values(), *ROLE_KINDS.values())
_SHAPE_NAMES, _SHAPE_WEIGHTS = tuple(SHAPES), tuple(weight for weight, _ in SHAPES.values())
_WITH_REFUSAL = (0, 0, 1, 1, 1, 2)  # so that known words alone do not make a question answerable
_ALONE_PERCENT = 60  # percent of refusals without documents that have no condition
_WITH_LOOKUP = (0, 0, 0, 1, 1)


def draw_question(subject: Subject, random: Random) -> ComposedQuestion:
    """A question. Raises Skip."""
    context = subject.context
    draw = AskedDraw(context=context, random=random, source=random.choice(context.sources), subject=subject)
    refused = draw.chance(REFUSAL_PERCENT)
    ask = refusal(draw) if refused else shape(random.choices(_SHAPE_NAMES, _SHAPE_WEIGHTS)[0], draw)
    counts = _WITH_REFUSAL if refused else _WITH_LOOKUP if ask.name == "lookup" else _HOW_MANY
    conditions = _conditions(draw, draw.random.choice(counts))
    kinds = sorted((*getattr(ask, "kinds", ()), *(part.kind for part in conditions)))
    name = f"{ask.name}:{'+'.join(kinds) or '-'}"
    if name in _HELD_OUT:
        raise Skip(name)
    text, conditions = _Sentence(draw).text(ask, conditions)
    body = {"refusal": dict(ask.refusal)} if ask.refusal is not None else _body(ask, conditions)
    example = Example(
        id="",
        question=plain(text),
        context=dict(subject.context.example_context),
        answer=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
        category="asked, refusal" if refused else f"asked, {ask.name}",
        template=f"asked/{name}",
    )
    return ComposedQuestion(example=example, marked=text, body=body, context=subject.context)


def _conditions(draw: AskedDraw, count: int) -> list[WordedCondition]:
    parts: list[WordedCondition] = []
    for _ in range(_TRIES * count):
        if len(parts) == count:
            break
        kind = draw.random.choices(_CONDITION_KINDS, _CONDITION_WEIGHTS)[0]
        try:
            parts.append(role_condition(kind, draw) if kind in ROLE_KINDS else condition(kind, draw))
        except Skip:
            continue
    return parts


def _body(ask: Shape, conditions: Sequence[WordedCondition]) -> dict[str, Any]:
    occurs: dict[str, list[Any]] = {}
    if own := getattr(ask, "own", None):
        occurs["filter"] = [dict(own)]
    for part in conditions:
        inner = part.body["bool"]["filter"] if "filter" in part.body.get("bool", {}) else [part.body]
        occurs.setdefault(part.occur, []).extend(inner)
    return {**ask.before, **({"query": {"bool": occurs}} if occurs else {}), **ask.after}


# --- sentences --------------------------------------------------------------------------


class _Sentence:
    def __init__(self, draw: AskedDraw) -> None:
        self.draw = draw

    def text(self, ask: Shape, conditions: Sequence[WordedCondition]) -> tuple[str, list[WordedCondition]]:
        """The question with marks, and the conditions in their order."""
        draw, ways = self.draw, ask.ways
        if not ways:
            raise Skip("no wording")
        keywords = ask.refusal is None and draw.chance(KEYWORDS)
        if keywords:
            short = [way for way in ways if _words(way) <= 2]
            ways = tuple(short) or ways
        way = draw.random.choice(ways)
        if "{w}" not in way and "{one}" not in way and not conditions and draw.chance(50):
            way = draw.random.choice(ways)  # "top {n} {g}" says nothing about the documents
        if ask.refusal is not None and "{w}" not in way and "{one}" not in way and draw.chance(_ALONE_PERCENT):
            conditions = ()
        phrase, front, end, order = self._placed(way, conditions, keywords)
        text = filled(way, {"w": phrase, "one": phrase, **ask.slots})
        if front:
            text = f"{front}{draw.pick(', ', ', ', ' ', ': ')}{text}"
        text = f"{text} {end}" if end else text
        if text.partition(" ")[0] in (
            "how",
            "what",
            "which",
            "who",
            "when",
            "is",
            "are",
            "does",
            "did",
        ) and draw.chance(45):
            text += "?"
        if not keywords:
            text = f"{draw.random.choice(options('', 'before'))} {text}" if draw.chance(12) else text
            text = (
                f"{text}{draw.pick(' ', ', ')}{draw.random.choice(options('', 'after'))}" if draw.chance(12) else text
            )
        return re.sub(r"\s+", " ", text).strip(), order

    def _placed(
        self, way: str, conditions: Sequence[WordedCondition], keywords: bool
    ) -> tuple[str, str, str, list[WordedCondition]]:
        """The documents with their conditions; the conditions before and after the sentence; all in their order."""
        draw = self.draw
        places: dict[str, list[WordedCondition]] = {"front": [], "pre": [], "post": [], "end": []}
        within = "{w}" in way or "{one}" in way
        for part in draw.random.sample(conditions, len(conditions)):
            chance = draw.random.random()
            if part.has("front") and not places["front"] and chance < (0.1 if within else 0.3):
                places["front"].append(part)
            elif not within or (chance < 0.2 and not way.endswith(("{w}", "{one}"))):
                places["end"].append(part)
            elif part.has("pre") and len(places["pre"]) < 2 and chance < 0.5 and not keywords:
                places["pre"].append(part)
            else:
                places["post"].append(part)
        form: Form = "bare" if keywords else "post"
        front = " ".join(place.phrase("front", draw) for place in places["front"])
        before = [place.phrase("pre", draw) for place in places["pre"]]
        after = [place.phrase(form, draw) for place in places["post"]]
        end = self._joined([place.phrase(form, draw) for place in places["end"]], keywords)
        if keywords:
            parts = [*before, *after]
            if not parts or draw.chance(45):
                parts.insert(draw.pick(0, len(parts)), self._documents("{one}" in way))
            phrase = " ".join(parts)
        else:
            phrase = " ".join([*before, self._documents("{one}" in way), self._joined(after, False)])
        return phrase, front, end, [part for place in ("front", "pre", "post", "end") for part in places[place]]

    def _joined(self, phrases: Sequence[str], keywords: bool) -> str:
        if keywords or len(phrases) < 2:
            return " ".join(phrases)
        *most, last = phrases
        joint = self.draw.pick(
            " and ", " and ", " ", " ", ", ", " that are also " if last.startswith(("in ", "from ")) else " "
        )
        return " ".join([*most[:-1], f"{most[-1]}{joint}{last}"])

    def _documents(self, single: bool) -> str:
        """The noun of the documents, now and then with a word before it that says nothing."""
        noun = self._noun(single)
        if self.draw.chance(9):
            word = self.draw.random.choice(options("", "modifiers", "|"))
            if self.draw.context.vocabulary.isdisjoint(stems(word)) and word not in self.draw.subject.owners:
                return f"{word} {noun}"
        return noun

    def _noun(self, single: bool) -> str:
        """One of their own names, a general word, or the name of another domain."""
        draw, lexicon = self.draw, self.draw.context.lexicon
        chance = draw.random.random()
        if chance < 0.62:
            return mark(lexicon.document if single else draw.random.choice(lexicon.documents))
        if chance < 0.78:
            word = draw.random.choice(
                options("", "documents", "|") if not single else ("one", "record", "entry", "case")
            )
            return str(word)
        domain = draw.random.choice(vocabulary().domains)
        noun = str(domain.noun if single else draw.random.choice(domain.many))
        if not draw.context.vocabulary.isdisjoint(stems(noun)):
            return mark(lexicon.document if single else lexicon.documents[0])
        return noun


@cache
def _words(way: str) -> int:
    """How many words a wording has besides its slots."""
    return len(re.findall(r"[\w']+", re.sub(r"\{\w+\}", " ", way)))
