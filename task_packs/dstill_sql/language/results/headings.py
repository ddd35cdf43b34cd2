"""What the columns of a result hold, as the query says it.

    headings(read("SELECT town, AVG(kg) FROM jobs GROUP BY town", "duckdb"), ["town", "avg(kg)"], "duckdb")
    [Heading("town"), Heading("average kg", "figure")]

An alias and the name of a column stay as they are. What is computed is named in words, and a part of a date by its
unit. A column whose words would be long has the name that the engine gives it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlglot import exp

from dstill.io.readable import Kind
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.readback.queries import Queries

__all__ = ["Heading", "headings"]

LONGEST = 60  # characters of a heading in words
_CALLS: Mapping[type[exp.Expr], str] = {
    exp.Count: "count of", exp.Sum: "sum of", exp.Avg: "average", exp.Median: "median", exp.Min: "lowest",
    exp.Max: "highest",
}  # fmt: skip
_FIGURES = (exp.AggFunc, exp.Binary)  # computed numbers
_STORED = (exp.Min, exp.Max, exp.GroupConcat, exp.DPipe)  # those that are not
_HUNDRED = ("100", "100.0", "100.00")
_WRITTEN = {"%Y": "year", "%Y-%m": "month", "%Y-%m-%d": "day"}  # texts that order dates
_STARTS: Mapping[str, Kind] = {f"start of {unit}": unit for unit in ("year", "month", "day")}
_PERIODS: tuple[Kind, ...] = ("year", "month", "day", "hour")


class Heading(NamedTuple):
    """The heading of a column, and what it holds."""

    text: str
    kind: Kind = ""


def headings(query: exp.Query | None, columns: Sequence[str], dialect: Dialect) -> list[Heading]:
    """A heading for each of the columns of an engine. `query`: None if it is not known."""
    outputs = query.selects if isinstance(query, exp.Select) else []
    if query is None or len(outputs) != len(columns) or any(output.is_star for output in outputs):
        return [Heading(name) for name in columns]
    try:
        said = Queries(query, SqlSchema(tables=()), dialect)
        found = [_heading(output, name, said) for output, name in zip(outputs, columns, strict=True)]
    except RecursionError:
        return [Heading(name) for name in columns]
    times = Counter(heading.text for heading in found)
    return [
        Heading(f"{output.table}.{heading.text}", heading.kind)
        if times[heading.text] > 1 and isinstance(output, exp.Column) and output.table
        else heading
        for output, heading in zip(outputs, found, strict=True)
    ]


def _heading(output: exp.Expr, name: str, said: Queries) -> Heading:
    inner = _within(output)
    kind = _kind(inner)
    if isinstance(output, exp.Alias) or isinstance(inner, exp.Column):
        return Heading(name, kind)
    if unit := _unit(inner):
        return Heading(unit, kind)
    if kind == "share":
        return Heading("share", kind)
    return Heading(_words(inner, said) or name, kind)


def _within(output: exp.Expr) -> exp.Expr:
    """An output without its alias, brackets and rounding."""
    inner = output.unalias()
    while isinstance(inner, (exp.Paren, exp.Round)):
        inner = inner.this
    return inner


def _kind(inner: exp.Expr) -> Kind:
    if _is_share(inner):
        return "share"
    if isinstance(inner, (exp.Filter, exp.Window)):
        return _kind(inner.this)
    if isinstance(inner, _FIGURES):
        return "" if isinstance(inner, _STORED) or isinstance(inner.expression, exp.Interval) else "figure"
    unit = _unit(inner)
    return unit if unit in _PERIODS and not isinstance(inner, (exp.Extract, exp.Cast)) else ""


def _is_share(inner: exp.Expr) -> bool:
    """Whether it is a hundred times one count or sum, divided by another."""
    if not isinstance(inner, (exp.Div, exp.Mul)):
        return False
    parts = list(inner.flatten()) if isinstance(inner, exp.Mul) else [inner.this, inner.expression]
    every = [part for node in parts for part in (node.unnest(), *_factors(node.unnest()))]
    hundred = any(isinstance(part, exp.Literal) and part.name in _HUNDRED for part in every)
    return hundred and inner.find(exp.Div) is not None and inner.find(exp.Count, exp.Sum, exp.CountIf) is not None


def _factors(node: exp.Expr) -> tuple[exp.Expr, ...]:
    return (node.this.unnest(), node.expression.unnest()) if isinstance(node, exp.Mul) else ()


def _unit(inner: exp.Expr) -> str:
    """The unit of a part of a date or of the start of a period; empty: it is none."""
    if isinstance(inner, exp.Extract):
        unit = str(inner.this.name).lower()
        return "weekday number" if unit == "dow" else unit
    if isinstance(inner, (exp.TimestampTrunc, exp.DateTrunc)):
        return str(inner.args["unit"].name).lower()
    if isinstance(inner, exp.Cast) and isinstance(inner.this, exp.TimeToStr):
        return {"%m": "month", "%d": "day", "%H": "hour", "%w": "weekday number"}.get(
            inner.this.args["format"].name, _unit(inner.this)
        )
    if isinstance(inner, exp.TimeToStr):
        return _WRITTEN.get(inner.args["format"].name, "")
    if isinstance(inner, exp.Anonymous) and inner.name.upper() == "DATE" and len(inner.expressions) == 2:
        return _STARTS.get(inner.expressions[1].name, "")
    is_date = isinstance(inner, exp.Cast) and inner.to.this is exp.DType.DATE
    return "day" if (is_date or isinstance(inner, exp.Date)) and isinstance(inner.this, exp.Column) else ""


def _words(inner: exp.Expr, said: Queries) -> str:
    """What is computed, in words; empty: they would be long."""
    of = inner.this
    if isinstance(inner, exp.Count) and not isinstance(of, (exp.Column, exp.Distinct)):
        return "count"
    if isinstance(inner, exp.Count) and isinstance(of, exp.Distinct) and len(of.expressions) == 1:
        return f"different {of.expressions[0].name}" if isinstance(of.expressions[0], exp.Column) else ""
    if type(inner) in _CALLS and isinstance(of, exp.Column):
        return f"{_CALLS[type(inner)]} {of.name}"
    if type(inner) in _CALLS and (span := _span(_within(of))):
        return f"{_CALLS[type(inner)]} {span}"
    if span := _span(inner):
        return span
    text = said.value(inner).removeprefix("the ")
    return text if len(text) <= LONGEST and "`" not in text else ""


def _span(inner: exp.Expr) -> str:
    """SQLite's time between two moments, in words; empty: something else."""
    unit = "days"
    if isinstance(inner, exp.Mul) and isinstance(inner.expression, exp.Literal):
        unit, inner = {"24": "hours", "1440": "minutes"}.get(inner.expression.name, ""), _within(inner.this)
    moments = [side.expressions[0] for side in (inner.this, inner.expression) if _is_day_number(side)]
    if not unit or not isinstance(inner, exp.Sub) or len(moments) != 2:
        return ""
    return f"{unit} from {moments[1].name} to {moments[0].name}"


def _is_day_number(side: Any) -> bool:
    if not isinstance(side, exp.Anonymous) or side.name.upper() != "JULIANDAY" or len(side.expressions) != 1:
        return False
    return isinstance(side.expressions[0], exp.Column)
