"""One thing that freely phrased questions ask for, and the parts of its wordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill_querydsl.asked.wording import AskedDraw, options
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.words import mark

__all__ = ["OwnShape", "Shape", "made_shape", "many_of", "noun", "size_of"]

_WORDS = {2: "two", 3: "three", 5: "five", 10: "ten", 20: "twenty"}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a question asks for."""

    name: str  # as in `plan`, where that has it
    keys: tuple[str, ...]  # of the wordings in asked.toml
    slots: Mapping[str, str] = field(default_factory=dict)  # with marks
    before: Mapping[str, Any] = field(default_factory=dict)  # keys of the body before the query
    after: Mapping[str, Any] = field(default_factory=dict)
    refusal: Mapping[str, Any] | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """All wordings."""
        return tuple(way for key in self.keys for way in options(*key.rsplit("/", 1)))


@dataclass(frozen=True, kw_only=True)
class OwnShape(Shape):
    """A shape with a condition of its own, such as the two values that are compared."""

    own: Mapping[str, Any] = field(default_factory=dict)


def made_shape(
    name: str, *keys: str, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, **slots: str
) -> Shape:
    """A shape with the wordings of these keys of [asks]."""
    return Shape(
        name=name, keys=tuple(f"asks/{key}" for key in keys), before=before or {}, after=after or {}, slots=slots
    )


def noun(role: Role) -> str:
    """The noun of a field, with marks."""
    return mark(role.word.noun)


def many_of(role: Role) -> str:
    """Its plural, with marks."""
    return mark(role.many)


def size_of(draw: AskedDraw, *sizes: int) -> tuple[int, str]:
    """A number of documents or groups, and its words."""
    size = draw.random.choice(sizes or (2, 3, 3, 4, 5, 5, 5, 6, 7, 8, 10, 10, 10, 12, 15, 20, 25, 30, 50, 100))
    return size, mark(_WORDS[size] if size in _WORDS and draw.chance(30) else size)
