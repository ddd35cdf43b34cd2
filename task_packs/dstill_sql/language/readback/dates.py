"""Arithmetic, casts, dates and periods in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

from dstill_sql.language.readback.expressions import SIGNS, Expressions, Say, said_args
from dstill_sql.language.readback.naming import words

__all__ = ["DATES"]

_UNITS = {"DOW": "number of the weekday", "DOY": "day of the year", "EPOCH": "seconds since 1970"}
_WRITTEN = {"%Y": "the year", "%m": "the month", "%d": "the day", "%H": "the hour", "%Y-%m": "the year and month"}
_TO_START = re.compile(r"start of (day|month|year)")  # steps of SQLite's DATE
_SHIFT = re.compile(r"([+-])(\d+) (days?|months?|years?)")


def _date_of_sqlite(say: Expressions, node: exp.Expr) -> str:
    """SQLite's DATE with its steps, in their order; empty: another function, or other steps."""
    is_call = isinstance(node, exp.Anonymous)
    if say.dialect != "sqlite" or (is_call and (node.name.upper() != "DATE" or not node.expressions)):
        return ""
    start, *steps = node.expressions if is_call else [node.this]
    is_now = isinstance(start, exp.Literal) and start.name == "now"
    text = "today" if is_now else f"the date of {say.bare(start)}"
    for step in steps:
        to_start, shift = _TO_START.fullmatch(step.name), _SHIFT.fullmatch(step.name)
        if to_start is not None:
            start_of = f"the start of this {to_start[1]}", f"the start of the {to_start[1]} of {text}"
            text = start_of[text != "today"]
        elif shift is not None:
            unit = shift[3].removesuffix("s")
            where = "before" if shift[1] == "-" else "after"
            text = f"{shift[2]} {unit}{'' if shift[2] == '1' else 's'} {where} {text}"
        else:
            return ""
    say.values.update((step.name, None) for step in steps)
    return text


def _arithmetic(say: Expressions, node: exp.Binary) -> str:
    if isinstance(node.expression, exp.Interval) and isinstance(node, (exp.Add, exp.Sub)):
        if text := _next(node):
            return text
        where = "after" if isinstance(node, exp.Add) else "before"
        return f"{say.value(node.expression)} {where} {_moment(say, node.this)}"
    parts: list[str] = []
    left: exp.Expr = node
    while type(left) in SIGNS and not isinstance(left.expression, exp.Interval):  # chains may be long
        parts += [say.bare(left.expression), SIGNS[type(left)]]
        left = left.this
    return " ".join([say.bare(left), *reversed(parts)])


def _next(node: exp.Expr) -> str:
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


def _moment(say: Expressions, node: exp.Expr) -> str:
    dates = (exp.CurrentDate, exp.CurrentTimestamp, exp.TimestampTrunc, exp.Cast)
    step = isinstance(node, (exp.Add, exp.Sub)) and isinstance(node.expression, exp.Interval)
    return say.value(node) if step or isinstance(node, dates) else say.bare(node)


def _interval(say: Expressions, node: exp.Interval) -> str:
    unit = words(node.unit.name) if isinstance(node.unit, exp.Var) else ""
    if not unit or not isinstance(node.this, exp.Literal):
        return ""
    count = say.literal(node.this, "date")
    unit = unit.removesuffix("s") if len(unit) > 1 else unit
    return f"{count} {unit}{'' if count == '1' else 's'}"


def _start(say: Expressions, node: exp.Expr) -> str:
    unit = node.args["unit"].name.lower()
    if isinstance(node.this, exp.CurrentDate):
        return f"the start of this {unit}" if unit != "day" else "the start of today"
    return f"the start of the {unit} of {say.bare(node.this)}"


def _extract(say: Expressions, node: exp.Extract) -> str:
    unit = node.this.name.upper()
    return f"the {_UNITS.get(unit, unit.lower())} of {say.bare(node.expression)}"


def _year(say: Expressions, node: exp.TimeToStr) -> str:
    """A part of a date, whatever it is written as; empty: another text."""
    inner = node.this.this if isinstance(node.this, exp.TsOrDsToTimestamp) else node.this
    part = _WRITTEN.get(node.args["format"].name)
    return f"{part} of {say.bare(inner)}" if part and said_args(node, "this", "format") else ""


def _written(say: Expressions, node: exp.TimeToStr) -> str:
    text = _year(say, node)
    say.values[node.args["format"].name] = None
    return f"{text} as text" if text else ""


def _difference(say: Expressions, node: exp.DateDiff) -> str:
    unit = node.args["unit"].name.lower() if node.args.get("unit") else "day"
    return f"the {unit}s from {say.bare(node.expression)} to {say.bare(node.this)}"


def _cast(say: Expressions, node: exp.Cast) -> str:
    kind = node.to.this
    if isinstance(node.this, exp.Literal) and node.this.is_string and kind in (exp.DType.DATE, exp.DType.TIMESTAMP):
        return f"the {'date' if kind is exp.DType.DATE else 'time'} {say.literal(node.this, 'date')}"
    if kind is exp.DType.INT and isinstance(node.this, exp.TimeToStr) and (text := _year(say, node.this)):
        return text
    if kind is exp.DType.DATE and say.dialect != "sqlite" and not isinstance(node, exp.TryCast):
        return f"the date of {say.bare(node.this)}"
    ending = " if possible" if isinstance(node, exp.TryCast) else ""
    return f"{say.bare(node.this)} as `{node.to.sql(say.dialect)}`{ending}"


# Kind of node → its words, and the parts that they say.
DATES: Mapping[type[exp.Expr], tuple[Say, tuple[str, ...]]] = {
    **dict.fromkeys(SIGNS, (_arithmetic, ("this", "expression", "typed", "safe"))),
    **dict.fromkeys((exp.Cast, exp.TryCast), (_cast, ("this", "to"))),
    **dict.fromkeys((exp.TimestampTrunc, exp.DateTrunc), (_start, ("this", "unit"))),
    exp.Interval: (_interval, ("this", "unit")),
    exp.Date: (_date_of_sqlite, ("this",)),
    exp.Anonymous: (_date_of_sqlite, ("this", "expressions")),
    exp.Extract: (_extract, ("this", "expression")),
    exp.TimeToStr: (_written, ("this", "format")),
    exp.DateDiff: (_difference, ("this", "expression", "unit", "date_part_boundary")),
}
