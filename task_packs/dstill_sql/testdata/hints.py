"""The comparisons of a gold: the constants of each column, the sizes of groups, the rows that LIMIT needs.

hints = Hints.of(gold)      SELECT city FROM drivers WHERE rating > 4 GROUP BY city HAVING COUNT(*) > 2 LIMIT 3
hints.conditions            {"drivers.rating": [ColumnTest(text="v > 4", …)]}
hints.constants             {"drivers.rating": [4]}
hints.sizes                 (2,)
hints.rows                  3
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dstill_sql.language.database.name_resolution import Place
from dstill_sql.testdata.edits import Gold
from dstill_sql.testdata.small_engine import embedded

__all__ = ["ColumnTest", "Hints"]

_OF_VALUES = (exp.Min, exp.Max, exp.Avg)
_MOST_ROWS = 30  # of a group, and of a page, that are made


@dataclass(frozen=True, kw_only=True)
class ColumnTest:
    """A condition on one column, which the text calls ``v``."""

    text: str
    negated: bool = False  # by NOT around it


@dataclass(frozen=True, kw_only=True)
class Hints:
    """The comparisons of a gold. Columns are by `Place.key`."""

    conditions: Mapping[str, Sequence[ColumnTest]]
    constants: Mapping[str, Sequence[Any]]
    alike: Mapping[str, Sequence[Place]]  # other columns that a column is equal to
    grouped: frozenset[str]  # columns that make groups
    sizes: tuple[int, ...]  # numbers that COUNT is compared with
    rows: int  # LIMIT and OFFSET together

    @staticmethod
    def of(gold: Gold) -> Hints:
        reader = _Reader(gold)
        for node in gold.query.walk():
            reader.read(node)
        return Hints(
            conditions=reader.conditions,
            constants=reader.constants,
            alike=reader.alike,
            grouped=frozenset(reader.grouped),
            sizes=tuple(sorted(set(reader.sizes))),
            rows=max(reader.rows, default=0),
        )


class _Reader:
    def __init__(self, gold: Gold) -> None:
        self._gold = gold
        self.conditions: dict[str, list[ColumnTest]] = defaultdict(list)
        self.constants: dict[str, list[Any]] = defaultdict(list)
        self.alike: dict[str, list[Place]] = defaultdict(list)
        self.grouped: set[str] = set()
        self.sizes: list[int] = []
        self.rows: list[int] = []

    def read(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Group):
            self.grouped |= {
                place.key for expression in node.expressions for place in self._gold.names.places(expression)
            }
        elif isinstance(node, exp.Query) and node.args.get("limit") is not None:
            limits = [c.expression for c in (node.args.get("limit"), node.args.get("offset")) if c is not None]
            counts = [int(limit.name) for limit in limits if isinstance(limit, exp.Literal) and limit.is_int]
            if sum(counts) <= _MOST_ROWS:
                self.rows.append(sum(counts))
        elif isinstance(node, (exp.Predicate, exp.Column)) and not isinstance(
            node, (exp.Connector, exp.SubqueryPredicate)
        ):
            self._condition(node)

    def _condition(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Column) and not _is_condition(node):
            return
        names = self._gold.names
        columns = list(node.find_all(exp.Column))
        computed = [meaning for column in columns if (meaning := names.meaning(column)) is not None]
        literals = [_value(literal) for literal in node.find_all(exp.Literal, exp.Boolean)]
        literals += ["now"] if node.find(exp.CurrentDate, exp.CurrentTimestamp) else []
        if aggregates := [aggregate for part in (node, *computed) for aggregate in part.find_all(exp.AggFunc)]:
            self._aggregates(node, aggregates, literals)
            return
        places = {place.key: place for column in columns if (place := names.column(column)) is not None}
        if len(places) > 1 or node.find(exp.Select):
            self._equal(node)
        elif len(places) == 1 and len(columns) == len([column for column in columns if names.column(column)]):
            (place,) = places.values()
            self.constants[place.key] += literals
            text = _on_value(node).sql(embedded(self._gold.dialect), comments=False)
            self.conditions[place.key].append(ColumnTest(text=text, negated=_is_negated(node)))

    def _equal(self, node: exp.Expr) -> None:
        if isinstance(node, (exp.EQ, exp.In)):
            places = [place for side in _sides(node) if (place := self._gold.names.column(side)) is not None]
            for place in places:
                self.alike[place.key] += [other for other in places if other.key != place.key]

    def _as_if_of_each(self, node: exp.Expr, aggregate: exp.Expr) -> None:
        """``MIN(pages) > 100`` holds if every row has ``pages > 100``."""
        place = self._gold.names.column(aggregate.this)
        if place is not None and node.find(type(aggregate)) is aggregate and not node.find(exp.Query):
            text = (
                _on_value(node).transform(inside_of(type(aggregate))).sql(embedded(self._gold.dialect), comments=False)
            )
            self.conditions[place.key].append(ColumnTest(text=text, negated=_is_negated(node)))

    def _aggregates(self, node: exp.Expr, aggregates: Sequence[exp.Expr], literals: Sequence[Any]) -> None:
        numbers = [
            literal for literal in literals if isinstance(literal, (int, float)) and not isinstance(literal, bool)
        ]
        if len(aggregates) == 1 and isinstance(aggregates[0], _OF_VALUES) and numbers:
            self._as_if_of_each(node, aggregates[0])
        for aggregate in aggregates:
            if isinstance(aggregate, exp.Count):
                self.sizes += [int(number) for number in numbers if 0 < number <= _MOST_ROWS]
            places = list(self._gold.names.places(aggregate))
            shares = [share for number in numbers for share in (number, round(number / 2, 2))]
            for place in places if not isinstance(aggregate, exp.Count) else ():
                # of a product, one side has the number, and the other a small one
                self.constants[place.key] += [*shares, *((1, 2) if len(places) > 1 else ())]


def _sides(node: exp.Expr) -> Iterator[exp.Expr]:
    """The sides of a condition; of a subquery, its columns."""
    sides = (node.this, node.args.get("expression"), node.args.get("query"))
    for side in (option for option in sides if isinstance(option, exp.Expr)):
        inner = side.find(exp.Select)
        yield from [expression.unalias() for expression in inner.expressions] if inner is not None else [side]


def _is_condition(node: exp.Column) -> bool:
    """Whether a column is a condition itself: ``WHERE active``."""
    parent = node.parent
    while isinstance(parent, (exp.Paren, exp.Not)):
        parent = parent.parent
    return isinstance(parent, (exp.Where, exp.Having, exp.Connector, exp.If))


def _is_negated(node: exp.Expr) -> bool:
    count, parent = 0, node.parent
    while parent is not None and not isinstance(parent, (exp.Select, exp.Subquery)):
        count += isinstance(parent, exp.Not)
        parent = parent.parent
    return count % 2 == 1


def inside_of(kind: type[exp.Expr]) -> Callable[[exp.Expr], exp.Expr]:
    """Replaces nodes of a kind by what they are around."""
    return lambda node: node.this if isinstance(node, kind) else node


def _on_value(node: exp.Expr) -> exp.Expr:
    value = exp.column("v")
    return node.copy().transform(lambda part: value.copy() if isinstance(part, exp.Column) else part)


def _value(node: exp.Expr) -> Any:
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if node.is_string:
        return node.name
    try:
        return int(node.name) if node.is_int else float(node.name)
    except ValueError:
        return node.name
