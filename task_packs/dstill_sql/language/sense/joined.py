"""Aggregates over rows that a join repeats, and groups of one row.

SELECT SUM(drivers.salary) FROM drivers JOIN trips ON trips.driver_id = drivers.id      → repeated_rows
SELECT name, COUNT(*) FROM drivers GROUP BY name, id                                    → one_row_groups

Only joins along declared foreign keys are judged: of others it is not known whose rows they repeat.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import chain

from sqlglot import exp

from dstill.api.records import Problem
from dstill.api.sense import warning
from dstill_sql.language.database.name_resolution import Scopes, sources
from dstill_sql.language.database.schema import Reference, SqlSchema, Table
from dstill_sql.language.statements import place

__all__ = ["check"]

Ends = tuple[str, str]  # of a column: folded names of its source and of the column


def check(select: exp.Select, scopes: Scopes, schema: SqlSchema) -> Iterator[Problem]:
    """Sums, averages and counts of a SELECT over rows that a join repeats, or over groups of one row."""
    aggregates = list(_aggregates(select))
    joined = _joined(select, scopes, schema) if aggregates else None
    if joined is None:
        return
    for aggregate in aggregates:
        columns = () if isinstance(aggregate, exp.Count) else aggregate.find_all(exp.Column)
        names = {end[0] for column in columns if (end := _end(column, scopes))} or set(joined.tables)
        repeaters = [joined.repeater(name) for name in sorted(names & joined.tables.keys())]
        if repeaters and all(repeaters):
            message = f"{aggregate.sql()} has rows more than once: the join with {repeaters[0]!r} repeats them"
            yield warning("repeated_rows", message, place(aggregate), "join fewer tables, or use IN or EXISTS")
            return
    group = select.args.get("group")
    grouped = {_end(node, scopes) for node in group.expressions if isinstance(node, exp.Column)} if group else set()
    for name, table in joined.tables.items():
        if table.key and not joined.repeater(name) and {(name, key.casefold()) for key in table.key} <= grouped:
            message = f"each group is one row of {table.name!r}, as the key {table.key[0]!r} is in GROUP BY"
            yield warning("one_row_groups", message, place(select), "group by what rows share")


def _aggregates(select: exp.Select) -> Iterator[exp.Expr]:
    """Sums, averages and counts over the rows of a SELECT, without those of different values."""
    parts = filter(None, (*select.expressions, select.args.get("having"), select.args.get("order")))
    for node in chain.from_iterable(part.find_all(exp.Sum, exp.Avg, exp.Count) for part in parts):
        is_window = isinstance(node.parent, exp.Window)
        if not (is_window or isinstance(node.this, exp.Distinct)) and node.parent_select is select:
            yield node


@dataclass(frozen=True, kw_only=True)
class _Joined:
    """The tables of FROM by their folded names there, and what a row of each is joined with."""

    tables: Mapping[str, Table]
    several: Mapping[str, Set[str]]  # name → names of those with several rows for one of it
    single: Mapping[str, Set[str]]  # name → names of those with at most one row for one of it

    def repeater(self, name: str) -> str:
        """A table that repeats the rows of `name`; empty: there is none."""
        reached, todo = {name}, [name]
        while todo:
            at = todo.pop()
            if several := self.several[at] - reached:
                return self.tables[min(several)].name
            todo += self.single[at] - reached
            reached |= self.single[at]
        return ""


def _joined(select: exp.Select, scopes: Scopes, schema: SqlSchema) -> _Joined | None:
    """The joins of a SELECT; None if one of them is not along a declared foreign key."""
    sources_ = sources(select)
    tables = {s.alias_or_name.casefold(): table for s in sources_ if (table := scopes.table(s)) is not None}
    pairs: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for left, right in _equal(select):
        one, other = sorted(end or ("", "") for end in (_end(left, scopes), _end(right, scopes)))
        if one[0] != other[0] and {one[0], other[0]} <= tables.keys():
            pairs[one[0], other[0]].append((one[1], other[1]))
    if len(tables) < len(sources_) or len(pairs) < len(tables) - 1:
        return None
    several: dict[str, set[str]] = {name: set() for name in tables}
    single: dict[str, set[str]] = {name: set() for name in tables}
    for (one_, other_), columns in pairs.items():
        ours, theirs = {our for our, _ in columns}, {their for _, their in columns}
        if not any(_is_along(r, tables[one_], ours, tables[other_], theirs) for r in schema.references):
            return None
        (single if _is_unique(tables[other_], theirs) else several)[one_].add(other_)
        (single if _is_unique(tables[one_], ours) else several)[other_].add(one_)
    return _Joined(tables=tables, several=several, single=single)


def _end(column: exp.Column, scopes: Scopes) -> Ends | None:
    source = scopes.source(column)
    return None if source is None else (source.alias_or_name.casefold(), column.name.casefold())


def _equal(select: exp.Select) -> Iterator[tuple[exp.Column, exp.Column]]:
    """The pairs of columns that joins and WHERE compare."""
    where = select.args.get("where")
    conditions = [join.args.get("on") for join in select.args.get("joins") or ()] + [where.this if where else None]
    for condition in filter(None, conditions):
        inner = condition.unnest()
        for part in inner.flatten() if isinstance(inner, exp.And) else (inner,):
            sides = (part.this, part.expression) if isinstance(part, exp.EQ) else ()
            if sides and all(isinstance(side, exp.Column) for side in sides):
                yield sides


def _is_along(reference: Reference, one: Table, ours: Set[str], other: Table, theirs: Set[str]) -> bool:
    ends = {(reference.table, _folded(reference.columns)), (reference.to, _folded(reference.to_columns))}
    return ends == {(one.name, frozenset(ours)), (other.name, frozenset(theirs))}


def _is_unique(table: Table, columns: Set[str]) -> bool:
    """Whether no two rows of a table have the same values in these columns."""
    known = (table.column(column) for column in columns)
    return bool(table.key and _folded(table.key) <= columns) or any(column and column.unique for column in known)


def _folded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
