"""Comparisons of an expression with constants, as conditions that `dstill.api.sense` reads.

list(read(parse_one("fare BETWEEN 3 AND 9")))    → two: fare >= 3, fare <= 9
list(read(parse_one("NOT fare IN (3, 4)")))      → fare is not 3 or 4
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlglot import exp

from dstill.api.sense import Condition, Operator
from dstill_sql.language.statements import place

__all__ = ["Comparison", "day", "number", "read"]

_OPERATORS: Mapping[type[exp.Expr], Operator] = {
    exp.EQ: "=",
    exp.NEQ: "not",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TURNED: Mapping[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A condition, and the expression that it is about, often a column."""

    node: exp.Expr
    condition: Condition


def read(node: exp.Expr) -> Iterator[Comparison]:
    """The comparisons with constants that a condition makes; none if it is another condition."""
    if isinstance(node, exp.Not) and isinstance(inner := node.this.unnest(), (exp.EQ, exp.In)):
        yield from (_comparison(same.node, "not", same.condition.values) for same in read(inner))
    elif isinstance(node, exp.Between):
        yield from _bound(node.this, ">=", node.args["low"])
        yield from _bound(node.this, "<=", node.args["high"])
    elif isinstance(node, exp.In) and node.expressions:
        values = tuple(_constant(value) for value in node.expressions)
        if None not in values:
            yield _comparison(node.this, "=", values)
    elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        yield _comparison(node.this, "null", ())
    elif operator := _OPERATORS.get(type(node)):
        yield from _bound(node.this, operator, node.expression)
        yield from _bound(node.expression, _TURNED.get(operator, operator), node.this)


def _bound(node: exp.Expr, operator: Operator, constant: exp.Expr) -> Iterator[Comparison]:
    if (value := _constant(constant)) is not None and _constant(node) is None:
        yield _comparison(node, operator, (value,))


def _comparison(node: exp.Expr, operator: Operator, values: tuple[Any, ...]) -> Comparison:
    name = node.name if isinstance(node, exp.Column) else ""
    condition = Condition(item=node, name=name, operator=operator, values=values, pointer=place(node))
    return Comparison(node=node, condition=condition)


def _constant(node: exp.Expr) -> Any:
    """The value of a text, a number, or a text as another type (DATE '2014-05-06'); None: no such constant."""
    if isinstance(node, exp.Literal):
        return node.this if node.is_string else number(node.this)
    if isinstance(node, exp.Neg):
        value = _constant(node.this)
        return -value if isinstance(value, (int, float)) else None
    text = node.this if isinstance(node, exp.Cast) else None
    return text.this if isinstance(text, exp.Literal) and text.is_string else None


def number(value: Any) -> float | None:
    """A number, also one that is written as a text; None: it is none."""
    try:
        return int(value) if str(value).isdecimal() else float(value)
    except (ValueError, TypeError, OverflowError):
        return None


def day(value: Any) -> float | None:
    """The day of an ISO date or time, counted from the year 1; None: it is none."""
    try:
        return date.fromisoformat(str(value)[:10]).toordinal()
    except ValueError:
        return None
