"""The words of a condition for several places of a sentence, from asked.toml.

worded("term", {"term": {"country": "Spain"}}, "value", role, v="spain")
→  Condition(kind="term", body={…}, ways={"pre": ("{v}", …), "post": ("from {v}", …)}, slots={"v": …, "f": …})
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from dstill_querydsl.asked.subject import Subject
from dstill_querydsl.questions.context import Draw, Skip
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.words import mark, sayable

__all__ = ["AskedDraw", "Condition", "Form", "filled", "options", "worded", "wordings"]

Form = Literal["pre", "post", "front", "bare"]
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(kw_only=True)
class AskedDraw(Draw):
    """The document of one question, and what it is about."""

    subject: Subject

    def known_category(self) -> tuple[Role, Any]:
        """A field with whole values that the question does not use yet, and this document's value. Raises Skip."""
        role = self.among([role for role in self.context.of_kind("category", "text") if self.subject.is_category(role)])
        value = self.value(role)
        if not sayable(value):
            raise Skip(role.field)
        return role, value


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition and its wordings."""

    kind: str  # as in `plan`: term, either, range, …
    body: Mapping[str, Any]
    occur: Literal["filter", "must_not"] = "filter"
    ways: Mapping[str, Sequence[str]]  # place → wordings with slots
    slots: Mapping[str, str]  # with marks

    def has(self, place: Form) -> bool:
        """Whether it can be said there."""
        return bool(self.ways.get(place))

    def said(self, place: Form, draw: AskedDraw) -> str:
        """It in words for that place."""
        return filled(draw.random.choice(self.ways[place]), self.slots)


@cache
def wordings() -> Mapping[str, Any]:
    """The content of asked.toml."""
    return tomllib.loads(files("dstill_querydsl.asked").joinpath("asked.toml").read_text(encoding="utf-8"))


@cache
def options(section: str, key: str, separator: str = "\n") -> tuple[str, ...]:
    """Wordings of asked.toml."""
    found = wordings()
    for name in filter(None, section.split(".")):
        found = found[name]
    return tuple(one.strip() for one in found.get(key, "").strip().split(separator) if one.strip())


def filled(way: str, slots: Mapping[str, str]) -> str:
    """A wording with its slots filled."""
    return _SLOT.sub(lambda slot: slots[slot[1]], way)


def worded(
    kind: str,
    body: Mapping[str, Any],
    key: str,
    role: Role | None = None,
    occur: Literal["filter", "must_not"] = "filter",
    **slots: Any,
) -> Condition:
    """A condition in the words of a table of asked.toml; its slots get marks."""
    ways = {place: options(f"conditions.{key}", place, "|") for place in ("pre", "post", "front", "bare")}
    marked = {name: mark(value) for name, value in slots.items()}
    if role is not None:
        marked["f"] = mark(role.word.noun)
        if role.word.nouns == role.word.noun:  # no "a pages"
            ways = {place: tuple(way.replace("a {f}", "{f}") for way in found) for place, found in ways.items()}
    return Condition(kind=kind, body=body, occur=occur, ways=ways, slots=marked)
