"""SELECTs in parts, until it is known what their FROM is.

A `Query` is one SELECT or several with UNION between them. Its text is made at the end: only then is it known which
tables its columns need, so that FROM and JOIN … ON follow, and what each table is called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dstill.linked.tokens import NotExpressible
from dstill_sql.form.functions import ATOM, CONJUNCTION
from dstill_sql.form.joins import Joins
from dstill_sql.language.database.schema import Reference, quoted
from dstill_sql.language.dialects import Dialect

__all__ = ["Column", "Instance", "Join", "Part", "Piece", "Query", "Select", "Star", "joined", "render", "wrapped"]


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A table as FROM has it: as it is, at the end of a way of roles, or once more."""

    table: str  # empty: the query in FROM
    way: tuple[Reference, ...] = ()
    copy: int = 1


@dataclass(frozen=True, eq=False)
class Column:
    """A column of an instance."""

    of: Select
    instance: Instance
    name: str
    at: Select  # where it is written


@dataclass(frozen=True, eq=False)
class Star:
    """All columns of a table."""

    of: Select
    instance: Instance


Part: TypeAlias = "str | Column | Star | Query"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """An expression or a condition."""

    parts: tuple[Part, ...]
    kind: str = ""  # of `functions`; empty: not known
    level: int = ATOM
    known: tuple[str, ...] = ()  # known values, if it is a column
    aggregates: bool = False
    windows: bool = False
    columns: frozenset[int] = frozenset()  # ids of the SELECTs whose columns it has outside of aggregates


@dataclass(kw_only=True)
class Join:
    """A source that is written out."""

    instance: Instance
    left: bool = False
    on: Piece | None = None  # None: the first of FROM


@dataclass(kw_only=True, eq=False)
class Select:
    """One SELECT."""

    parent: Select | None
    distinct: bool = False
    within_exists: bool = False
    derived: Query | None = None
    joins: list[Join] = field(default_factory=list)  # FROM, if it is written out
    tables: dict[str, None] = field(default_factory=dict)  # that FROM follows from
    roles: dict[tuple[Reference, ...], None] = field(default_factory=dict)
    left: set[Instance] = field(default_factory=set)
    outputs: list[Piece] = field(default_factory=list)
    starred: bool = False
    where: Piece | None = None
    extra: list[Piece] | None = None  # GROUP BY beyond what follows
    group: list[Piece] | None = None  # all of GROUP BY
    having: Piece | None = None
    order: list[Piece] = field(default_factory=list)
    limit: str = ""
    offset: str = ""
    outer: list[Column] = field(default_factory=list)  # columns of SELECTs around it
    names: dict[Instance, str] = field(default_factory=dict)

    def grouped(self) -> list[Piece]:
        """The expressions of GROUP BY: those that follow are every column of the result that is not aggregated."""
        if self.group is not None:
            return self.group
        aggregated = self.having is not None or any(piece.aggregates for piece in (*self.outputs, *self.order))
        if not aggregated and self.extra is None:
            return []
        own = [
            output
            for output in self.outputs
            if not (output.aggregates or output.windows) and id(self) in output.columns
        ]
        return [*own, *(self.extra or ())]


@dataclass(kw_only=True, eq=False)
class Query:
    """SELECTs with set operations between them."""

    selects: list[Select]
    sets: list[str] = field(default_factory=list)
    named: bool = False  # its columns are called c1, c2


def wrapped(piece: Piece, least: int) -> tuple[Part, ...]:
    """The parts of a piece, in brackets if it does not hold together tightly enough."""
    return piece.parts if piece.level >= least else ("(", *piece.parts, ")")


def joined(pieces: Sequence[Piece], word: str, level: int) -> Piece:
    """Conditions with AND or OR between them."""
    if len(pieces) == 1:
        return pieces[0]
    parts: list[Part] = []
    for place, piece in enumerate(pieces):
        parts += [*((f" {word} ",) if place else ()), *wrapped(piece, level)]
    return Piece(
        parts=tuple(parts),
        kind="condition",
        level=level,
        aggregates=any(piece.aggregates for piece in pieces),
        columns=frozenset().union(*(piece.columns for piece in pieces)),
    )


def render(query: Query, joins: Joins, dialect: Dialect) -> str:
    """The text of a query. Raises NotExpressible if no references lead to a table."""
    return "".join(_Renderer(joins, dialect).query(query))


class _Renderer:
    def __init__(self, joins: Joins, dialect: Dialect) -> None:
        self.joins, self.dialect = joins, dialect

    def query(self, query: Query) -> Iterator[str]:
        for place, select in enumerate(query.selects):
            if place:
                yield f" {query.sets[place - 1]} "
            yield from self.select(select, named=query.named and not place)

    def select(self, select: Select, *, named: bool) -> Iterator[str]:
        sources = self._sources(select)
        self._name(select, [instance for instance, *_ in sources])
        yield "SELECT DISTINCT " if select.distinct else "SELECT "
        yield from self._list(select.outputs, named=named)
        yield from self._from(select, sources)
        if select.where:
            yield " WHERE "
            yield from self._text(select.where.parts)
        if group := select.grouped():
            yield " GROUP BY "
            yield from self._list(group)
        if select.having:
            yield " HAVING "
            yield from self._text(select.having.parts)
        if select.order:
            yield " ORDER BY "
            yield from self._list(select.order)
        if select.limit:
            yield f" LIMIT {select.limit}"
        if select.offset:
            yield f" OFFSET {select.offset}"

    def _list(self, pieces: Sequence[Piece], *, named: bool = False) -> Iterator[str]:
        for place, piece in enumerate(pieces):
            if place:
                yield ", "
            yield from self._text(piece.parts)
            if named:
                yield f" AS c{place + 1}"

    def _text(self, parts: Sequence[Part]) -> Iterator[str]:
        for part in parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Query):
                yield from self.query(part)
            elif isinstance(part, Star):
                yield "*" if len(part.of.names) == 1 else f"{self._quoted(part.of.names[part.instance])}.*"
            else:
                yield self._column(part)

    def _column(self, column: Column) -> str:
        name = self._quoted(column.name)
        alone = len(column.of.names) == 1 and column.at is column.of and not column.of.outer
        if column.instance not in column.of.names:
            raise NotExpressible(f"the column {column.name} is of no table of its query")
        return name if alone else f"{self._quoted(column.of.names[column.instance])}.{name}"

    def _quoted(self, name: str) -> str:
        return quoted(name, self.dialect)

    # --- FROM ---------------------------------------------------------------------------

    def _sources(self, select: Select) -> list[tuple[Instance, bool, Piece | None]]:
        """Instances, whether each is a LEFT JOIN, and the condition of its join."""
        if select.derived is not None:
            return [(Instance(table=""), False, None)]
        if select.joins:
            return [(join.instance, join.left, join.on) for join in select.joins]
        if not select.tables:
            raise NotExpressible("the query reads no table")
        left = {instance.table for instance in select.left if not instance.way}
        steps = self.joins.tree(select.tables, left)
        if steps is None:
            raise NotExpressible(f"no references lead from one to another of {', '.join(select.tables)}")
        start = self.joins.first(select.tables, left)
        sources: list[tuple[Instance, bool, Piece | None]] = [(Instance(table=start), False, None)]
        for step in steps:
            sources.append((Instance(table=step.table), step.left, self._on(select, step.reference, ())))
        paths = {way[:length] for way in select.roles for length in range(1, len(way) + 1)}
        for way in sorted(paths, key=lambda way: (len(way), [self.joins.number(role) for role in way])):
            instance = Instance(table=way[-1].to, way=way)
            sources.append((instance, instance in select.left, self._on(select, way[-1], way)))
        return sources

    def _on(self, select: Select, reference: Reference, way: tuple[Reference, ...]) -> Piece:
        child = Instance(table=reference.table, way=way[:-1])
        parent = Instance(table=reference.to, way=way)
        parts: list[Part] = []
        for place, pair in enumerate(zip(reference.columns, reference.to_columns, strict=True)):
            own, other = (Column(select, of, name, select) for of, name in zip((child, parent), pair, strict=True))
            parts += [*((" AND ",) if place else ()), own, " = ", other]
        return Piece(parts=tuple(parts), level=CONJUNCTION)

    def _name(self, select: Select, instances: Sequence[Instance]) -> None:
        """The alias of each table: its name, unless that is there twice or means another table here."""
        counts = Counter(instance.table.casefold() for instance in instances)
        outer = {column.of.names[column.instance].casefold() for column in select.outer}
        for place, instance in enumerate(instances, start=1):
            plain = instance.table
            if not plain or counts[plain.casefold()] > 1 or plain.casefold() in outer:
                plain = self._numbered(place, outer | counts.keys())
            select.names[instance] = plain

    @staticmethod
    def _numbered(place: int, taken: set[str]) -> str:
        name = f"t{place}"
        while name in taken:
            name += "_"
        return name

    def _from(self, select: Select, sources: Sequence[tuple[Instance, bool, Piece | None]]) -> Iterator[str]:
        for place, (instance, is_left, on) in enumerate(sources):
            yield " FROM " if not place else " LEFT JOIN " if is_left else " JOIN "
            name = select.names[instance]
            if select.derived is not None:
                yield from ("(", *self.query(select.derived), f") AS {self._quoted(name)}")
                continue
            yield self._quoted(instance.table)
            if name != instance.table:
                yield f" AS {self._quoted(name)}"
            if on is not None:
                yield " ON "
                yield from self._text(on.parts)
