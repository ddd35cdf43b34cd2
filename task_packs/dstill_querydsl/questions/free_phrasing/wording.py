"""The conditions of freely phrased questions: each has a body, and wordings for several places of a sentence.

worded("term", {"term": {"country": "Spain"}}, "value", v="Spain")
→  WordedCondition(kind="term", body={"term": {"country": "Spain"}}, ways={"pre": ("{v}",), "post": ("from {v}", …)}, …)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from dstill_querydsl.questions.free_phrasing.subject import Subject
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import mark, sayable

__all__ = ["PLACES", "AskedDraw", "Form", "WordedCondition", "filled", "options", "table", "worded"]

Form = Literal["pre", "post", "front", "bare"]
PLACES: Sequence[Form] = ("pre", "post", "front", "bare")
Occur = Literal["filter", "must_not"]
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(kw_only=True)
class AskedDraw(Draw):
    """The document of one question, and what it is about."""

    subject: Subject

    def known_category(self) -> tuple[Role, Any]:
        """A field with whole values that the question does not use yet, and this document's value. Raises Skip."""
        role = self.among([role for role in self.context.by_kind("category", "text") if self.subject.is_category(role)])
        value = self.value(role)
        if not sayable(value):
            raise Skip(role.field)
        return role, value


@dataclass(frozen=True, kw_only=True)
class WordedCondition:
    """One condition and its wordings."""

    kind: str  # as in `plan`: term, either, range, …
    body: Mapping[str, Any]
    occur: Occur = "filter"
    ways: Mapping[str, Sequence[str]]  # place → wordings with slots
    slots: Mapping[str, str]  # with marks

    def has(self, place: Form) -> bool:
        """Whether it can be said there."""
        return bool(self.ways.get(place))

    def phrase(self, place: Form, draw: AskedDraw) -> str:
        """It in words for that place."""
        return filled(draw.random.choice(self.ways[place]), self.slots)

    def with_slots(self, **slots: str) -> WordedCondition:
        """It with more slots, which have their marks."""
        return replace(self, slots={**self.slots, **slots})

    def with_ways(self, **ways: Sequence[str]) -> WordedCondition:
        """It with other wordings for some places."""
        return replace(self, ways={**self.ways, **ways})


@cache
def table(name: str) -> Mapping[str, Any]:
    """The content of asked.toml or mentions.toml."""
    return tomllib.loads(files("dstill_querydsl.questions.free_phrasing").joinpath(name).read_text(encoding="utf-8"))


@cache
def options(section: str, key: str, separator: str = "\n") -> tuple[str, ...]:
    """Wordings of asked.toml."""
    table_ = table("asked.toml")
    for name in filter(None, section.split(".")):
        table_ = table_[name]
    return tuple(part.strip() for part in table_.get(key, "").strip().split(separator) if part.strip())


def filled(way: str, slots: Mapping[str, str]) -> str:
    """A wording with its slots filled."""
    return _SLOT.sub(lambda slot: slots[slot[1]], way)


def worded(
    kind: str,
    body: Mapping[str, Any],
    key: str,
    role: Role | None = None,
    occur: Occur = "filter",
    **slots: Any,
) -> WordedCondition:
    """A condition with the wordings of [conditions.KEY]. `role`: its noun fills {f}."""
    ways: dict[str, Sequence[str]] = {place: options(f"conditions.{key}", place, "|") for place in PLACES}
    marked = {name: mark(value) for name, value in slots.items()}
    if role is not None:
        marked["f"] = mark(role.word.noun)
        if role.word.nouns == role.word.noun:  # no "a pages"
            ways = {place: tuple(way.replace("a {f}", "{f}") for way in texts) for place, texts in ways.items()}
    return WordedCondition(kind=kind, body=body, occur=occur, ways=ways, slots=marked)
