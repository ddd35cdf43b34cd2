"""Changes of a query at one node.

edit = Edit(name="4 → 5 in rating > 4", node=literal, change=put(exp.Literal.number(5)))
edit.apply()        a changed copy of the query that the node is in
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dstill.api.values import Values
from dstill_sql.language.database.name_resolution import Place, Scopes, sources
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect

__all__ = ["Change", "Edit", "Gold", "as_kind", "inside", "put", "remove", "setting"]

Change = Callable[[exp.Expr], exp.Expr | None]  # changes a node of a copy, or gives what replaces it
_LONGEST = 60  # characters of a part in a name


@dataclass(frozen=True, kw_only=True)
class Gold:
    """A query, and what is known about its database."""

    query: exp.Query
    schema: SqlSchema
    values: Values
    names: Scopes

    @staticmethod
    def of(query: exp.Query, schema: SqlSchema, values: Values) -> Gold:
        return Gold(query=query, schema=schema, values=values, names=Scopes(query, schema))

    @property
    def dialect(self) -> Dialect:
        """The dialect of the query."""
        return self.schema.dialect

    def text(self, node: exp.Expr) -> str:
        """A part of the query, cut."""
        text = node.sql(self.dialect, comments=False)
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

    def beside(self, node: exp.Expr) -> Iterator[tuple[Place, exp.Expr]]:
        """The columns of the tables of the SELECT that a node is in, each with its source."""
        select = node.parent_select
        for source in sources(select) if select is not None else ():
            table = self.names.table(source)
            if table is not None:
                yield from ((Place(table=table, column=column), source) for column in table.columns)

    def is_determined(self, node: exp.Expr) -> bool:
        """Whether groups are the same with or without a column of GROUP BY: they are by the key of its table."""
        group = node.find_ancestor(exp.Group)
        place = self.names.column(node)
        if group is None or place is None:
            return False
        rest = {
            other.key
            for expression in group.expressions
            if expression is not node and (other := self.names.column(expression))
        }
        return self.has_key(place, rest)

    @staticmethod
    def has_key(place: Place, grouped: set[str]) -> bool:
        """Whether `grouped` has the key of the table of a column."""
        key = {f"{place.table.name}.{name}".casefold() for name in place.table.key}
        return bool(key) and key <= grouped


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change at one node of a query."""

    name: str
    node: exp.Expr
    change: Change

    def apply(self) -> exp.Query | None:
        """The changed query; None: the change leaves no query."""
        root = self.node.root()
        copied: exp.Expr = root.copy()
        target = next(new for new, old in zip(copied.walk(), root.walk(), strict=True) if old is self.node)
        changed = self.change(target)
        if changed is not None and changed is not target:
            if target is copied:
                copied = changed
            else:
                target.replace(changed)
        return copied if isinstance(copied, exp.Query) else None


def put(new: exp.Expr) -> Change:
    """Another node."""
    return lambda _: new


def remove(node: exp.Expr) -> None:
    """Nothing in place of the node."""
    node.pop()


def inside(node: exp.Expr) -> exp.Expr:
    """The part that the node is around."""
    within: exp.Expr = node.this
    return within


def setting(name: str, value: Any) -> Change:
    """The node with another argument."""
    return lambda node: node.set(name, value)


def as_kind(kind: type[exp.Expr], *names: str) -> Change:
    """A node of another kind with the same arguments, or with those that are named."""

    def change(node: exp.Expr) -> exp.Expr:
        copied = node.copy().args
        return kind(**{name: copied.get(name) for name in names or copied})

    return change
