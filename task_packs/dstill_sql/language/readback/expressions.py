"""Expressions of a query in plain words: columns, values, arithmetic, functions, aggregates and windows.

What has no words, or has a part that its words do not say, is said as the dialect writes it, within backticks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar

from sqlglot import exp

from dstill.linked.spoken import listed
from dstill_sql.language.bounded_text import text_of
from dstill_sql.language.database.schema import Family, SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.readback.naming import Names, words

__all__ = ["Expressions", "quoted_text", "said_args"]

_SIGNS: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "×",
    exp.Div: "÷",
    exp.Mod: "modulo",
    exp.DPipe: "&",
}
# Functions of one argument.
_PREFIXES: Mapping[type[exp.Expr], str] = {
    exp.Sum: "the sum of", exp.Avg: "the average of", exp.Median: "the median of", exp.Stddev: "the spread of",
    exp.Variance: "the variance of", exp.Abs: "the size of", exp.Sqrt: "the square root of", exp.Length: "the length of",
    exp.Year: "the year of", exp.Quarter: "the quarter number of",
    exp.Month: "the month number of", exp.Day: "the day number of", exp.Hour: "the hour number of", exp.Dayname: "the weekday's name of",
    exp.Monthname: "the month's name of", exp.LastDay: "the last day of the month of",
}  # fmt: skip
_SUFFIXES: Mapping[type[exp.Expr], str] = {
    exp.Upper: "in capital letters", exp.Lower: "in small letters", exp.Trim: "without spaces around it",
    exp.Floor: "rounded down", exp.Ceil: "rounded up",
}  # fmt: skip
_UNITS = {"DOW": "number of the weekday", "DOY": "day of the year", "EPOCH": "seconds since 1970"}
_WRITTEN = {"%Y": "the year", "%m": "the month", "%d": "the day", "%H": "the hour", "%Y-%m": "the year and month"}
_TO_START = re.compile(r"start of (day|month|year)")  # steps of SQLite's DATE
_SHIFT = re.compile(r"([+-])(\d+) (days?|months?|years?)")
_DATES = ("date", "timestamp")
_NUMBERS = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Count,
    exp.CountIf,
    exp.Sum,
    exp.Avg,
    exp.Median,
    exp.Extract,
    exp.Round,
)
_SAME = (exp.Min, exp.Max, exp.Coalesce, exp.Neg, exp.Paren, exp.Filter, exp.Window)  # of the family of their argument
_ATOMS = (exp.Column, exp.Literal, exp.Subquery, exp.Tuple, exp.Case, exp.Coalesce, exp.Window,
          exp.CurrentDate, exp.CurrentTimestamp)  # fmt: skip
_MOST_TRACED = 20


def quoted_text(text: str) -> str:
    """A text within the quotes that it does not have."""
    if "'" in text and '"' not in text:
        return f'"{text}"'
    return "'{}'".format(text.replace("'", "''"))


def said_args(node: exp.Expr, *names: str) -> bool:
    """Whether a node has no other parts than these."""
    return all(not value or name in names for name, value in node.args.items())


class Expressions:
    """Expressions of one query. `items` and `values` are those said since they were emptied."""

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
        for kind, (say, names) in self._WORDS.items():
            if isinstance(node, kind) and said_args(node, *names):
                text = say(self, node)
                return text or self.sql(node)
        if isinstance(node, exp.Predicate | exp.Connector | exp.Not):
            return f"whether {self.condition(node)}"
        return self.sql(node)

    def bare(self, node: exp.Expr) -> str:
        """An expression, in brackets if it is more than a name or a value."""
        inner = node.unnest()
        text = self.value(inner)
        return text if isinstance(inner, _ATOMS) or text.startswith("`") else f"({text})"

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
                self._note(old)
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

    def _note(self, node: exp.Column) -> None:
        if (place := self.names.place(node)) is not None:
            self.items[place.name] = None

    def _column(self, node: exp.Column) -> str:
        if isinstance(node.this, exp.Star):
            source = self.names.source(node)
            return f"everything of {words(node.table) if source is None else self.names.label(source)}"
        if not self._within_alias and (meant := self.names.aliased(node)) is not None:
            self._within_alias = True
            text = self.bare(meant)
            self._within_alias = False
            return text
        self._note(node)
        return self.names.column(node)

    def literal(self, node: exp.Literal, family: Family | None = None) -> str:
        """A text in quotes, unless it is compared with a date; a number as it is."""
        self.values[node.name] = None
        return quoted_text(node.name) if node.is_string and family not in _DATES else node.name

    def _negative(self, node: exp.Neg) -> str:
        return f"-{self.bare(node.this)}"

    def _cast(self, node: exp.Cast) -> str:
        kind = node.to.this
        if isinstance(node.this, exp.Literal) and node.this.is_string and kind in (exp.DType.DATE, exp.DType.TIMESTAMP):
            return f"the {'date' if kind is exp.DType.DATE else 'time'} {self.literal(node.this, 'date')}"
        if kind is exp.DType.INT and isinstance(node.this, exp.TimeToStr) and (text := self._year(node.this)):
            return text
        if kind is exp.DType.DATE and self.dialect != "sqlite" and not isinstance(node, exp.TryCast):
            return f"the date of {self.bare(node.this)}"
        ending = " if possible" if isinstance(node, exp.TryCast) else ""
        return f"{self.bare(node.this)} as `{node.to.sql(self.dialect)}`{ending}"

    # --- arithmetic and dates -----------------------------------------------------------

    def _arithmetic(self, node: exp.Binary) -> str:
        if isinstance(node.expression, exp.Interval) and isinstance(node, (exp.Add, exp.Sub)):
            if text := self._next(node):
                return text
            where = "after" if isinstance(node, exp.Add) else "before"
            return f"{self.value(node.expression)} {where} {self._moment(node.this)}"
        parts: list[str] = []
        left: exp.Expr = node
        while type(left) in _SIGNS and not isinstance(left.expression, exp.Interval):  # chains may be long
            parts += [self.bare(left.expression), _SIGNS[type(left)]]
            left = left.this
        return " ".join([self.bare(left), *reversed(parts)])

    def _next(self, node: exp.Expr) -> str:
        """A day beside today, or the start of a period beside this one; empty: another date."""
        step, start, later = node.expression, node.this, isinstance(node, exp.Add)
        if not isinstance(step.this, exp.Literal) or step.this.name != "1" or not isinstance(step.unit, exp.Var):
            return ""
        unit = step.unit.name.lower().removesuffix("s")
        if isinstance(start, exp.CurrentDate) and unit == "day":
            return "tomorrow" if later else "yesterday"
        is_start = isinstance(start, exp.TimestampTrunc) and isinstance(start.this, exp.CurrentDate)
        if is_start and start.args["unit"].name.lower() == unit:
            return f"the start of {'next' if later else 'last'} {unit}"
        return ""

    def _moment(self, node: exp.Expr) -> str:
        dates = (exp.CurrentDate, exp.CurrentTimestamp, exp.TimestampTrunc, exp.Cast)
        step = isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval)
        return self.value(node) if step or isinstance(node, dates) else self.bare(node)

    def _interval(self, node: exp.Interval) -> str:
        unit = words(node.unit.name) if isinstance(node.unit, exp.Var) else ""
        if not unit or not isinstance(node.this, exp.Literal):
            return ""
        count = self.literal(node.this, "date")
        unit = unit.removesuffix("s") if len(unit) > 1 else unit
        return f"{count} {unit}{'' if count == '1' else 's'}"

    def _start(self, node: exp.Expr) -> str:
        unit = node.args["unit"].name.lower()
        if isinstance(node.this, exp.CurrentDate):
            return f"the start of this {unit}" if unit != "day" else "the start of today"
        return f"the start of the {unit} of {self.bare(node.this)}"

    def _extract(self, node: exp.Extract) -> str:
        unit = node.this.name.upper()
        return f"the {_UNITS.get(unit, unit.lower())} of {self.bare(node.expression)}"

    def _year(self, node: exp.TimeToStr) -> str:
        """A part of a date, whatever it is written as; empty: another text."""
        inner = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
        part = _WRITTEN.get(node.args["format"].name)
        return f"{part} of {self.bare(inner)}" if part and said_args(node, "this", "format") else ""

    def _written(self, node: exp.TimeToStr) -> str:
        text = self._year(node)
        self.values[node.args["format"].name] = None
        return f"{text} as text" if text else ""

    def _difference(self, node: exp.DateDiff) -> str:
        unit = node.args["unit"].name.lower() if node.args.get("unit") else "day"
        return f"the {unit}s from {self.bare(node.expression)} to {self.bare(node.this)}"

    def _date_of_sqlite(self, node: exp.Expr) -> str:
        """SQLite's DATE with its steps, in their order; empty: another function, or other steps."""
        start, *steps = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
        if self.dialect != "sqlite" or (isinstance(node, exp.Anonymous) and node.name.upper() != "DATE"):
            return ""
        is_now = isinstance(start, exp.Literal) and start.name == "now"
        text = "today" if is_now else f"the date of {self.bare(start)}"
        for step in steps:
            to_start, shift = _TO_START.fullmatch(step.name), _SHIFT.fullmatch(step.name)
            if to_start is not None:
                text = (
                    f"the start of this {to_start[1]}"
                    if text == "today"
                    else f"the start of the {to_start[1]} of {text}"
                )
            elif shift is not None:
                unit = shift[3].removesuffix("s")
                where = "before" if shift[1] == "-" else "after"
                text = f"{shift[2]} {unit}{'' if shift[2] == '1' else 's'} {where} {text}"
            else:
                return ""
        self.values.update((step.name, None) for step in steps)
        return text

    # --- functions ----------------------------------------------------------------------

    def _prefixed(self, node: exp.Expr) -> str:
        return f"{_PREFIXES[type(node)]} {self.bare(node.this)}" if type(node) in _PREFIXES else ""

    def _suffixed(self, node: exp.Expr) -> str:
        return f"{self.bare(node.this)} {_SUFFIXES[type(node)]}"

    def _rounded(self, node: exp.Round) -> str:
        digits = node.args.get("decimals")
        return f"{self.bare(node.this)} rounded{f' to {self.value(digits)} digits' if digits is not None else ''}"

    def _coalesce(self, node: exp.Coalesce) -> str:
        others = (f", or {self.bare(part)} if that has no value" for part in node.expressions)
        return f"({self.value(node.this)}{''.join(others)})"

    def _first_letters(self, node: exp.Left) -> str:
        return f"the first {self.bare(node.expression)} letters of {self.bare(node.this)}"

    def _case(self, node: exp.Case) -> str:
        by, default = node.args.get("this"), node.args.get("default")
        parts = []
        for branch in node.args["ifs"]:
            test = self.condition(branch.this) if by is None else f"it is {self.value(branch.this)}"
            parts.append(f"{self.value(branch.args['true'])} if {test}")
        start = f"by {self.bare(by)}: " if by is not None else ""
        last = f", otherwise {self.value(default)}" if default is not None else ""
        return f"({start}{', '.join(parts)}{last})"

    # --- aggregates and windows ---------------------------------------------------------

    def _count(self, node: exp.Count) -> str:
        inner = node.this
        if isinstance(inner, exp.Star) or (isinstance(inner, exp.Literal) and not inner.is_string):
            return "the number of rows"
        if isinstance(inner, exp.Distinct):
            return f"the number of different {listed([self.bare(part) for part in inner.expressions])}"
        place = self.names.place(inner) if isinstance(inner, exp.Column) else None
        source = self.names.source(inner) if isinstance(inner, exp.Column) else None
        if place is not None and source is not None and place.table.key == (place.column.name,):
            self._note(inner)
            return f"the number of {self.names.label(source)}"
        return f"the number of values of {self.bare(inner)}"

    def _extreme(self, node: exp.Min | exp.Max) -> str:
        least = isinstance(node, exp.Min)
        word = ("earliest" if least else "latest") if self.family(node.this) in _DATES else None
        return f"the {word or ('smallest' if least else 'largest')} {self.bare(node.this)}"

    def _counted_if(self, node: exp.CountIf) -> str:
        return f"the number of rows (where {self.condition(node.this)})"

    def _quantile(self, node: exp.Expr) -> str:
        return f"the {self.bare(node.expression)} quantile of {self.bare(node.this)}"

    def _within_group(self, node: exp.WithinGroup) -> str:
        of, order = node.this, node.expression
        if not isinstance(of, exp.PercentileCont) or not said_args(of, "this") or not isinstance(order, exp.Order):
            return ""
        return f"the {self.bare(of.this)} quantile (by {self.in_order(order)})"

    def _joined(self, node: exp.GroupConcat) -> str:
        separator = node.args.get("separator")
        between = f" with {self.value(separator)} between" if separator is not None else ""
        return f"all values of {self.bare(node.this)}{between}"

    def _any(self, node: exp.Any | exp.All) -> str:
        word = "any" if isinstance(node, exp.Any) else "all"
        return f"{word} of {self.subquery(node.this)}" if isinstance(node.this.unnest(), exp.Query) else ""

    def _filtered(self, node: exp.Filter) -> str:
        return f"{self.value(node.this)} (only where {self.condition(node.expression.this)})"

    def _window(self, node: exp.Window) -> str:
        ranks = {exp.RowNumber: "place", exp.Rank: "rank", exp.DenseRank: "rank without gaps"}
        of = node.this
        text = f"the {ranks[type(of)]}" if type(of) in ranks else f"{self.value(of)} over the rows"
        parts, order = node.args.get("partition_by") or (), node.args.get("order")
        within = f" within each {listed([self.bare(part) for part in parts])}" if parts else ""
        by = f" by {self.in_order(order)}" if order is not None else ""
        return f"({text}{within}{by})"

    def _constant(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Boolean):
            return "true" if node.this else "false"
        names = {exp.CurrentDate: "today", exp.CurrentTimestamp: "now", exp.Null: "no value", exp.Star: "everything"}
        return names[type(node)]

    _Words = tuple[Callable[["Expressions", exp.Expr], str], tuple[str, ...]]
    _WORDS: ClassVar[Mapping[type[exp.Expr] | tuple[type[exp.Expr], ...], _Words]] = {
        exp.Column: (_column, ("this", "table")),
        exp.Literal: (literal, ("this", "is_string")),
        exp.Paren: (lambda self, node: self.bare(node.this), ("this",)),
        exp.Subquery: (lambda self, node: self.subquery(node), ("this",)),
        exp.Tuple: (
            lambda self, node: f"({listed([self.value(part) for part in node.expressions])})",
            ("expressions",),
        ),
        (exp.Boolean, exp.Null, exp.Star, exp.CurrentDate, exp.CurrentTimestamp): (_constant, ("this",)),
        exp.Neg: (_negative, ("this",)),
        exp.Cast: (_cast, ("this", "to")),
        tuple(_SIGNS): (_arithmetic, ("this", "expression", "typed", "safe")),
        exp.Interval: (_interval, ("this", "unit")),
        (exp.TimestampTrunc, exp.DateTrunc): (_start, ("this", "unit")),
        exp.Date: (_date_of_sqlite, ("this",)),
        exp.Anonymous: (_date_of_sqlite, ("this", "expressions")),
        exp.Extract: (_extract, ("this", "expression")),
        exp.TimeToStr: (_written, ("this", "format")),
        exp.DateDiff: (_difference, ("this", "expression", "unit", "date_part_boundary")),
        tuple(_PREFIXES): (_prefixed, ("this",)),
        tuple(_SUFFIXES): (_suffixed, ("this",)),
        exp.Round: (_rounded, ("this", "decimals")),
        exp.Coalesce: (_coalesce, ("this", "expressions")),
        exp.Left: (_first_letters, ("this", "expression")),
        exp.Case: (_case, ("this", "ifs", "default")),
        exp.Count: (_count, ("this", "big_int")),
        (exp.Min, exp.Max): (_extreme, ("this",)),
        exp.CountIf: (_counted_if, ("this",)),
        (exp.PercentileCont, exp.Quantile): (_quantile, ("this", "expression")),
        exp.WithinGroup: (_within_group, ("this", "expression")),
        exp.GroupConcat: (_joined, ("this", "separator")),
        exp.Distinct: (
            lambda self, node: f"each different {listed([self.bare(part) for part in node.expressions])}",
            ("expressions",),
        ),
        (exp.Any, exp.All): (_any, ("this",)),
        exp.Filter: (_filtered, ("this", "expression")),
        exp.Window: (_window, ("this", "partition_by", "order", "over")),
    }
