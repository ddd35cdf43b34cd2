"""Expressions of a query in plain words. The words of most kinds are in `dates` and `functions`.

What has no words, or has a part that its words do not say, is said as the dialect writes it, within backticks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from sqlglot import exp

from dstill_sql.language.bounded_text import text_of
from dstill_sql.language.database.schema import Family, SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.readback.naming import Names, words

__all__ = ["ATOMS", "DATES", "SIGNS", "Expressions", "Say", "quoted_text", "said_args"]

SIGNS: Mapping[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "×", exp.Div: "÷", exp.Mod: "modulo", exp.DPipe: "&",
}  # fmt: skip
DATES = ("date", "timestamp")
_NUMBERS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Median,
            exp.Extract, exp.Round)  # fmt: skip
_SAME = (exp.Min, exp.Max, exp.Coalesce, exp.Neg, exp.Paren, exp.Filter, exp.Window)  # of the family of their argument
_ATOMS = (exp.Column, exp.Literal, exp.Subquery, exp.Tuple, exp.Case, exp.Coalesce, exp.Window,
          exp.CurrentDate, exp.CurrentTimestamp)  # fmt: skip
_SQL = re.compile(r"`[^`]*`")
_MOST_TRACED = 20


def quoted_text(text: str) -> str:
    """A text within the quotes that it does not have."""
    if "'" in text and '"' not in text:
        return f'"{text}"'
    return "'{}'".format(text.replace("'", "''"))


def said_args(node: exp.Expr, *names: str) -> bool:
    """Whether a node has no other parts than these."""
    return all(not value or name in names for name, value in node.args.items())


Say: TypeAlias = "Callable[[Expressions, Any], str]"  # a node in words; empty: there are none


class Expressions:
    """Expressions of one query. `items` and `values` are those said since they were emptied."""

    vocabulary: ClassVar[Mapping[type[exp.Expr], tuple[Say, tuple[str, ...]]]]  # kind of node → its words, their parts

    def __init__(self, query: exp.Query, schema: SqlSchema, dialect: Dialect) -> None:
        self.names = Names(query, schema)
        self.dialect = dialect
        self.items: dict[str, None] = {}
        self.values: dict[str, None] = {}
        self._within_alias = False

    def condition(self, node: exp.Expr) -> str:
        """A condition in words."""
        raise NotImplementedError

    def subquery(self, query: exp.Expr) -> str:
        """A query within an expression, in words and brackets."""
        raise NotImplementedError

    def exists(self, query: exp.Expr, *, negated: bool) -> str:
        """Whether a query has rows, in words."""
        raise NotImplementedError

    def in_order(self, order: exp.Expr) -> str:
        """The terms of ORDER BY in words."""
        raise NotImplementedError

    def value(self, node: exp.Expr) -> str:
        """An expression in words."""
        say, parts = self.vocabulary.get(type(node), (None, ()))
        if say is not None and said_args(node, *parts) and (text := say(self, node)):
            return text
        if say is None and isinstance(node, (exp.Predicate, exp.Connector, exp.Not)):
            return f"whether {self.condition(node)}"
        return self.sql(node)

    def bare(self, node: exp.Expr) -> str:
        """An expression, in brackets if it is more than a name or a value."""
        inner = node.unnest()
        text = self.value(inner)
        return text if isinstance(inner, _ATOMS) or _SQL.fullmatch(text) else f"({text})"

    def family(self, node: exp.Expr | None, depth: int = _MOST_TRACED) -> Family | None:
        """The family of an expression's values; None: not known."""
        if node is None or not depth:
            return None
        if isinstance(node, exp.Column):
            if (place := self.names.place(node)) is not None:
                return place.column.family
            return self.family(self.names.meaning(node), depth - 1)
        if isinstance(node, (exp.CurrentDate, exp.CurrentTimestamp, exp.TimestampTrunc, exp.DateTrunc, exp.Date)):
            return "date"
        if isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval):
            return "date"
        if isinstance(node, exp.Cast):
            return "date" if node.to.this in exp.DataType.TEMPORAL_TYPES else None
        if isinstance(node, _NUMBERS):
            return "number"
        return self.family(node.this, depth - 1) if isinstance(node, _SAME) else None

    def sql(self, node: exp.Expr) -> str:
        """A part of the query as the dialect writes it, with tables by their names."""
        copy = node.copy()
        for old, new in zip(list(node.walk()), list(copy.walk()), strict=True):
            if isinstance(old, exp.Column):
                self.note(old)
                source = self.names.source(old)
                if old.table and source is not None:
                    new.set("table", exp.to_identifier(self.names.written(source)))
            elif isinstance(old, (exp.Table, exp.Subquery)) and (alias := old.args.get("alias")) is not None:
                written = self.names.written(old)
                if isinstance(old, exp.Table) and written == old.name and not alias.args.get("columns"):
                    new.set("alias", None)
                else:
                    new.args["alias"].set("this", exp.to_identifier(written))
            elif isinstance(old, exp.Literal):
                self.values[old.name] = None
        return f"`{text_of(copy, self.dialect)}`"

    # --- names and values ---------------------------------------------------------------

    def note(self, node: exp.Column) -> None:
        """Note that a column was said."""
        if (place := self.names.place(node)) is not None:
            self.items[place.name] = None

    def column(self, node: exp.Column) -> str:
        """A column, or what it is an alias of."""
        if isinstance(node.this, exp.Star):
            source = self.names.source(node)
            return f"everything of {words(node.table) if source is None else self.names.label(source)}"
        if not self._within_alias and (meant := self.names.aliased(node)) is not None:
            self._within_alias = True
            text = self.bare(meant)
            self._within_alias = False
            return text
        self.note(node)
        return self.names.column(node)

    def literal(self, node: exp.Literal, family: Family | None = None) -> str:
        """A text in quotes, unless it is compared with a date; a number as it is."""
        self.values[node.name] = None
        return quoted_text(node.name) if node.is_string and family not in DATES else node.name


def _constant(_: Expressions, node: exp.Expr) -> str:
    if isinstance(node, exp.Boolean):
        return "true" if node.this else "false"
    names = {exp.CurrentDate: "today", exp.CurrentTimestamp: "now", exp.Null: "no value", exp.Star: "everything"}
    return names[type(node)]


ATOMS: Mapping[type[exp.Expr], tuple[Say, tuple[str, ...]]] = {
    **dict.fromkeys((exp.Null, exp.Star, exp.CurrentDate, exp.CurrentTimestamp), (_constant, ())),
    exp.Boolean: (_constant, ("this",)),
    exp.Column: (Expressions.column, ("this", "table")),
    exp.Literal: (Expressions.literal, ("this", "is_string")),
    exp.Paren: (lambda say, node: say.bare(node.this), ("this",)),
    exp.Subquery: (lambda say, node: say.subquery(node), ("this",)),
}
