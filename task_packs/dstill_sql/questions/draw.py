"""The parts of one question: random choices, rows, and the SELECT that it builds.

    subject = draw.subject(entity)         a row of the entity, and a SELECT of it
    field, value = subject.known("number") a field that the question does not use yet, and this row's value

All conditions of a question are about one row or rows that are linked to it, so at least that one matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from sqlglot import exp

from dstill_sql.questions.entities import Entity, Field, Kind, Row, View
from dstill_sql.questions.scope import Scope

__all__ = ["Draw", "Filter", "Skip", "Subject"]

T = TypeVar("T")


class Skip(Exception):
    """The drawn row or entity does not fit. The caller draws another."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One condition: its words, and its SQL."""

    text: str
    sql: exp.Expr
    why: str  # names the columns
    before: bool = False  # the noun: "cancelled orders"
    terse: str = ""  # in keywords; empty: as in the text
    nested: bool = False  # has conditions of its own, so it comes last


@dataclass(kw_only=True)
class Draw:
    """The random choices of one question."""

    view: View
    random: Random
    used: set[str] = field(default_factory=set)  # names of fields
    mentioned: dict[str, bool] = field(default_factory=dict)  # values in the question, and whether they are known

    def pick(self, options: Sequence[T]) -> T:
        """One of the options. Raises Skip if there are none."""
        if not options:
            raise Skip("nothing to choose from")
        return self.random.choice(options)

    def chance(self, share: float) -> bool:
        """True in that share of the calls."""
        return self.random.random() < share

    def subject(self, entity: Entity) -> Subject:
        """A row of the entity."""
        return Subject(
            draw=self,
            entity=entity,
            scope=(scope := Scope(entity, self.view.dialect)),
            alias=scope.alias,
            row=self.pick(self.view.rows[entity.name]),
        )


@dataclass(kw_only=True)
class Subject:
    """A row that the question is about, or one that is linked to it."""

    draw: Draw
    entity: Entity
    scope: Scope  # of the SELECT that reads it
    alias: str  # its table there
    row: Row

    def field(self, *kinds: Kind, among: Iterable[Field] | None = None) -> Field:
        """A field of these kinds that the question does not use yet. Raises Skip."""
        options = self.entity.of(*kinds) if among is None else tuple(among)
        choice = self.draw.pick([option for option in options if option.name not in self.draw.used])
        self.draw.used.add(choice.name)
        return choice

    def known(self, *kinds: Kind) -> tuple[Field, Any]:
        """A field as in `field`, and this row's value. Raises Skip if that is NULL."""
        choice = self.field(*kinds)
        if self.row[choice.place] is None:
            raise Skip("NULL")
        return choice, self.row[choice.place]

    def column(self, field: Field) -> exp.Column:
        """The field's column in the SELECT."""
        return self.scope.column(field.column.name, self.alias)

    def other(self, field: Field, value: Any) -> Any:
        """Another value of the field. Raises Skip."""
        values = {row[field.place] for row in self.draw.view.rows[self.entity.name]} - {None, value}
        return self.draw.pick(sorted(values))

    def at(self, row: Row) -> Subject:
        """The same with another row."""
        return Subject(draw=self.draw, entity=self.entity, scope=self.scope, alias=self.alias, row=row)
