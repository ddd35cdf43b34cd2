"""Conditions in words: "over 5 euros", "paid", "shipped in March".

The base of `question_text.Teller`, which puts whole questions into words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from dstill_querydsl.questions.invented_schemas.coarser_dates import coarser, kind_of
from dstill_querydsl.questions.invented_schemas.deferred_wordings import Item, Mark, WordingNode
from dstill_querydsl.questions.invented_schemas.field_phrases import choices, families_of, for_field, sayings
from dstill_querydsl.questions.invented_schemas.loose_values import said_loosely
from dstill_querydsl.questions.invented_schemas.question_parts import Part
from dstill_querydsl.questions.invented_schemas.schemas import InventedSchema, Put
from dstill_querydsl.questions.invented_schemas.vocabulary import table

__all__ = ["ConditionTeller", "Slots", "first_mark"]

OWN = 0.6  # share of conditions in words of their field, where there are such words
COARSE_SHARE = 0.4  # of days that become months or years

_WITH_KNOWN = ("is", "either", "not", "inner", "pair", "inner_range")  # a value of these is one of the field

_WITH_KNOWN = ("is", "either", "not", "inner", "pair", "inner_range")  # their values are known ones, perhaps
Slots = dict[str, Any]  # name → items, or parts


class ConditionTeller:
    """Puts conditions into words."""

    def __init__(self, schema: InventedSchema, random: Random, answer: str, loose: float = 0.0) -> None:
        """`loose`: the share of texts and of known values that are not written as in the index."""
        self.schema, self.random, self.answer, self.loose = schema, random, answer, loose

    def tell(self, items: Sequence[Item]) -> list[Part]:
        """The parts of a question or of a slot."""
        parts: list[Part] = []
        for item in items:
            if isinstance(item, WordingNode):
                parts += self._node(item)
            else:
                parts.append(self._named(item) if isinstance(item, Mark) else Part("text", item))
        return parts

    def _node(self, node: WordingNode) -> list[Part]:
        if node.key in table("phrases.toml")["times"]:
            return self._when([node])
        return self._condition(node, "post") or []

    def _named(self, text: str) -> Part:
        """A part that has a name in the schema, or a value."""
        schema = self.schema
        kind = "noun" if text in schema.synonyms else "plural" if text in schema.singular else ""
        return Part(kind or ("document" if text in schema.context.lexicon.documents else "value"), str(text))

    def _pick(self, ways: Sequence[str], node: WordingNode) -> str:
        """A wording, without "a" before a plural."""
        way = self.random.choice(ways)
        if "a {f}" in way and str(first_mark(node, "f")).endswith("s"):
            way = re.sub(r"\ba {f}", "{f}", way)
        return way

    def _fill(self, way: str, slots: Mapping[str, Any]) -> list[Part]:
        """A wording with its slots filled."""
        first, *rest = way.split("{")
        parts = [Part("text", first)] if first else []
        for piece in rest:
            name, _, text = piece.partition("}")
            inner = slots[name]
            parts += inner if inner and isinstance(inner[0], Part) else self.tell(inner)
            if text:
                parts.append(Part("text", text))
        return parts

    # --- conditions ---------------------------------------------------------------------

    def _condition(self, node: WordingNode, place: str, *, singular: bool = False) -> list[Part] | None:
        """One condition, after the documents, before them, or as a verb. None if there are no words for that."""
        own = self._own(node).get(place, ())
        if singular:
            own = [way for way in own if not way.startswith(("that ", "which "))]
        general = self._general(node, place)
        if singular:
            general = [way for way in general if not way.startswith("that ")] or general
        if place == "pre":
            ways: Sequence[str] = own
        else:
            ways = own if own and (self.random.random() < OWN or not general) else general
        if not ways:
            return None
        slots: Slots = dict(node.slots)
        for name, noun in (("v", "f"), ("w", "g" if "g" in slots else "f")):
            if name in slots and (put := self.schema.meant.get(str(first_mark(node, noun)))):
                slots[name] = self._value(put, node, str(slots[name][0]))
        if "when" in slots:
            slots["when"] = self._when(node.slots["when"])
        return self._fill(self._pick(ways, node), slots)

    def _general(self, node: WordingNode, place: str) -> Sequence[str]:
        return choices(table("phrases.toml")["conditions"].get(node.key, {}).get(place, ""))

    def _has_verb(self, node: WordingNode) -> bool:
        return bool(self._own(node).get("pred") or self._general(node, "pred"))

    def _own(self, node: WordingNode) -> Mapping[str, Sequence[str]]:
        """Words for the condition that its field has."""
        noun = str(first_mark(node, "f"))
        put = self.schema.meant.get(noun)
        if put is None or put.within:
            return {}
        ways = for_field(put, node.key)
        if put.concept.kind == "category":
            return ways if self._says_field(put, node) else {}
        if put.concept.kind == "date" and node.key in ("has", "lacks") and self._has_flag(ways):
            return {}
        if put.concept.kind == "number" and ways:
            return {place: [text for text in texts if self._is_alone_in(put, text)] for place, texts in ways.items()}
        return ways

    def _has_flag(self, ways: Mapping[str, Sequence[str]]) -> bool:
        """Whether "have been paid" could mean a boolean field."""
        flags = {put.concept.nouns[0] for put in self.schema.meant.values() if put.concept.kind == "boolean"}
        return any(not flags.isdisjoint(way.split()) for way in ways.get("pred", ()))

    def _says_field(self, put: Put, node: WordingNode) -> bool:
        """Whether the values alone tell the field."""
        values = [str(node.slots[name][0]) for name in ("v", "w") if name in node.slots]
        if any(self.schema.owners.get(value.lower(), set()) != {put.path} or not _is_word(value) for value in values):
            return False
        if put.path in self.schema.known:
            return True
        families = set(families_of(put))
        others = [
            other for other in self.schema.meant.values() if other.concept.kind == "category" and other is not put
        ]
        return all(value in put.concept.values or value in put.concept.codes.values() for value in values) and all(
            families.isdisjoint(families_of(other)) for other in others
        )

    def _is_alone_in(self, put: Put, way: str) -> bool:
        """Whether no other number is spoken of in the same way: heavier, or wide."""
        key = way.replace(f"whose {put.above} ", "")
        others = (
            other
            for other in self.schema.meant.values()
            if other.path != put.path
            and other.concept.kind == "number"
            and not other.within
            and other.above == put.above
        )
        return not any(key in sayings(other) for other in others)

    def _value(self, put: Put, node: WordingNode, value: str) -> list[Part]:
        """A value, perhaps in a form that people write."""
        if put.concept.kind not in ("category", "text", "ip"):
            return [Part("value", value)]
        loosely = self.random.random() < self.loose
        if loosely and node.key in ("words", "word", "phrase"):  # texts are compared without case
            lower, old = value.lower(), json.dumps(value, ensure_ascii=False)
            if self.answer.count(old) == 1:
                self.answer = self.answer.replace(old, json.dumps(lower, ensure_ascii=False))
                return [Part("exact", lower)]
        if loosely and node.key in _WITH_KNOWN:
            value = said_loosely(value, self.schema.known.get(put.path, ()), self.random)
        return [Part("exact", value)]

    # --- times --------------------------------------------------------------------------

    def _when(self, items: Sequence[Item]) -> list[Part]:
        """A span of time."""
        times = table("phrases.toml")["times"]
        node = next((item for item in items if isinstance(item, WordingNode)), None)
        if node is None:
            marks = [item for item in items if isinstance(item, Mark)]
            text = str(marks[0]) if marks else ""
            if text in times:
                return [Part("text", self.random.choice(choices(times[text])))]
            if len(marks) != 1:
                return self.tell(items)
            return self._fill(self.random.choice(choices(times[kind_of(text)])), {"0": [Part("value", text)]})
        slots: Slots = {name: self.tell(inner) for name, inner in node.slots.items()}
        if node.key == "rolling":
            unit = slots["1"][0].text
            slots["1"] = [Part("text", self.random.choice(choices(times["units"][unit])))]
        elif self.random.random() < COARSE_SHARE:
            days = [str(first_mark(node, name)) for name in sorted(slots)]
            coarse, self.answer = coarser(node.key, days, self.random.choice(("month", "year")), self.answer)
            slots = {str(at): [Part("value", value)] for at, value in enumerate(coarse)} or slots
        return self._fill(self.random.choice(choices(times[node.key])), slots)


def first_mark(node: WordingNode, slot: str) -> Item:
    """The first value or name of a slot. Empty: there is none."""
    return next((item for item in node.slots.get(slot, ()) if isinstance(item, Mark)), "")


def _is_word(value: str) -> bool:
    return len(value) > 1 and any(char.isalpha() for char in value)
