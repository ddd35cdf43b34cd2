"""Subjects of questions: things with attributes, and relations between things.

    shops = Entity(name="shop", noun="shop", attributes=(Attribute(name="city", noun="city", kind="category", …), …))
    Subject(entities=(shops, …), relations=(Relation(child="shop", parent="manager", role="manager"),))

A pack makes a subject of its schema: an entity is a table or a collection of documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from dstill.synthesis.wordings import wordings

__all__ = ["Attribute", "Entity", "Kind", "Relation", "Subject", "plural"]

# name: names an entity for people. category: one of few texts. code: identifies. yes_no: texts that mean yes and no
Kind = Literal["name", "category", "code", "text", "number", "year", "date", "boolean", "yes_no"]


def plural(noun: str) -> str:
    """The plural of an English noun; its last word counts, or the word before "of"."""
    head, of, rest = noun.partition(" of ")
    *before, last = head.split(" ")
    return " ".join([*before, _plural(last)]) + of + rest


def _plural(word: str) -> str:
    irregular, same = wordings()["plurals"], wordings()["nouns"]["same"]
    if word in same or word in irregular.values() or not word[-1:].isalpha():
        return word
    if word in irregular:
        return str(irregular[word])
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word if word.endswith("s") and not word.endswith(("ss", "us")) else f"{word}es"
    return f"{word}s"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A column or field."""

    name: str  # as the pack writes it
    noun: str  # "birth date"
    kind: Kind
    values: Sequence[Any] = ()  # known ones; of a `yes_no`: what means yes, then what means no
    low: Any = None  # the least number, or the first date or time as ISO text
    high: Any = None
    whole: bool = False  # whether its numbers are whole
    nullable: bool = False
    has: bool = False  # of a boolean: entities have it; else they are it
    groups: bool = True  # whether entities can be sorted and grouped by it
    unit: str = ""

    @cached_property
    def nouns(self) -> str:
        """The noun for several of its values."""
        return self.noun if self.kind in ("boolean", "yes_no") else plural(self.noun)


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A kind of thing."""

    name: str
    noun: str
    attributes: Sequence[Attribute]
    key: Attribute | None = (
        None  # its number or code, which relations refer to; also among the attributes if people see it
    )

    @cached_property
    def nouns(self) -> str:
        """The noun for several."""
        return plural(self.noun)

    @cached_property
    def label(self) -> Attribute | None:
        """The attribute that names one for people."""
        return next((a for a in self.attributes if a.kind == "name"), None)


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Each child has one parent, or none."""

    child: str
    parent: str
    role: str  # what the parent is to the child: "home team"
    column: str  # of the child
    to_column: str  # of the parent
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The things that questions are about, and their relations."""

    entities: Sequence[Entity]
    relations: Sequence[Relation] = field(default_factory=tuple)

    def entity(self, name: str) -> Entity:
        """The entity of that name. Raises KeyError."""
        return self._entities[name]

    @cached_property
    def _entities(self) -> dict[str, Entity]:
        return {entity.name: entity for entity in self.entities}

    def up(self, name: str) -> list[Relation]:
        """Relations to parents of that entity."""
        return [relation for relation in self.relations if relation.child == name != relation.parent]

    def down(self, name: str) -> list[Relation]:
        """Relations to its children."""
        return [relation for relation in self.relations if relation.parent == name != relation.child]
