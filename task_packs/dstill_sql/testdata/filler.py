"""Writes the tables of a candidate: rows that fulfil the gold's conditions, nearly do, or do not.

    Filler(schema, hints, pools).fill(PROFILES[0], seed="1", tables=["drivers", "trips"])
    {"drivers": [[7, "ash", "Oslo", 4.9], …], "trips": [[3, 7, 4.0], …]}

What the schema declares is kept: types, NOT NULL, keys, and references, which are NULL if they are not to any row; and
columns that determine each other (`testdata.dependencies`). Each table has random numbers of its own, so it is the same
whichever others are written too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from random import Random
from typing import Any

from dstill_sql.language.database.name_resolution import Place
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table
from dstill_sql.testdata.boundary_values import fits, is_free_text
from dstill_sql.testdata.dependencies import Partners
from dstill_sql.testdata.hints import Hints
from dstill_sql.testdata.pools import Pool, Pools

__all__ = ["PROFILES", "Filler", "Profile"]

_MOST = 90  # rows of a table
_PARENTS = 0.75  # share of the rows of a table that others refer to
_EDGES = 0.5  # share of values that are at or beside a constant, where there is one
_GOOD, _NEAR, _ANY = "good", "near", "any"

Row = dict[str, Any]  # by folded name


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The kind of rows of a candidate."""

    name: str
    rows: int  # of a table, if the query needs no more
    good: float  # share of rows that fulfil all conditions
    null: float  # share of NULLs in columns that may have them
    distinct: bool = False  # few values are equal
    ties: bool = False  # many values are equal
    alike: int = 2  # different values of a column, if there are ties
    sizes: bool = False  # groups have the sizes that HAVING asks for, and one more or less


PROFILES = (
    Profile(name="boundaries", rows=14, good=0.6, null=0.1),
    Profile(name="sizes of groups", rows=12, good=0.97, null=0.0, sizes=True),
    Profile(name="no two alike", rows=12, good=0.8, null=0.05, distinct=True),
    Profile(name="few matches", rows=7, good=0.15, null=0.15),
    Profile(name="ties", rows=12, good=0.7, null=0.1, ties=True),
    Profile(name="NULLs", rows=12, good=0.6, null=0.4),
    Profile(name="many matches", rows=26, good=0.85, null=0.1),
    Profile(name="few rows", rows=3, good=0.8, null=0.1),
    Profile(name="two values", rows=20, good=0.9, null=0.0, ties=True),
    Profile(name="one value", rows=5, good=0.8, null=0.0, ties=True, alike=1),
)


class Filler:
    """Writes rows for one gold."""

    def __init__(self, schema: SqlSchema, hints: Hints, pools: Pools, together: Sequence[Partners] = ()) -> None:
        self._schema, self._hints, self._pools, self._together = schema, hints, pools, together
        self._references: dict[str, list[Reference]] = defaultdict(list)
        for reference in schema.references:
            self._references[reference.table].append(reference)

    @staticmethod
    def closure_of(schema: SqlSchema, tables: Collection[str]) -> list[Table]:
        """Tables and those that they refer to, these first."""
        closure: dict[str, Table] = {}
        open_: set[str] = set()

        def add(name: str) -> None:
            table = schema.table(name)
            if table is None or table.name in closure or table.name in open_:
                return
            open_.add(table.name)
            for reference in schema.references:
                if reference.table == table.name:
                    add(reference.to)
            closure[table.name] = table

        for name in tables:
            add(name)
        return list(closure.values())

    def fill(self, profile: Profile, seed: str, tables: Collection[str]) -> dict[str, list[list[Any]]]:
        """Rows for the tables and those that they refer to, in the order of the columns."""
        rows: dict[str, list[Row]] = {}
        closure = self.closure_of(self._schema, tables)
        for table in closure:
            writer = _Writer(self, table, profile, Random(f"{seed}/{table.name}"), rows)
            rows[table.name] = writer.rows()
        return {
            table.name: [[row[column.name.casefold()] for column in table.columns] for row in rows[table.name]]
            for table in closure
        }


class _Writer:
    """Writes one table."""

    def __init__(
        self, filler: Filler, table: Table, profile: Profile, random: Random, rows: Mapping[str, list[Row]]
    ) -> None:
        self._table, self._profile, self._random, self._made = table, profile, random, rows
        self._hints = filler._hints
        self._references = filler._references[table.name]
        self._referring = {name.casefold() for reference in self._references for name in reference.columns}
        self._pools = {
            column.name: filler._pools.for_column(Place(table=table, column=column)) for column in table.columns
        }
        self._asked = [column.name for column in table.columns if self._pools[column.name].asked]
        self._used: dict[str, set[Any]] = defaultdict(set)
        self._keys: set[tuple[Any, ...]] = set()
        self._alike = {name: self._few(pool) for name, pool in self._pools.items()}
        self._partners = [
            (own.rpartition(".")[2], other.rpartition(".")[2], dict(values))
            for own, other, values in filler._together
            if own.rpartition(".")[0] == table.name
        ]

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for block in self._blocks():
            kind = self._kind()
            row = self._row(kind, block, rows)
            if row is not None:
                rows.append(row)
        self._random.shuffle(rows)
        return rows

    def _few(self, pool: Pool) -> list[Any]:
        """The values of a column that has few. One alone is whole, so that it is the mean of its column, too."""
        values = pool.any
        if self._profile.alike == 1 and not pool.closed:
            return [float(round(value)) if isinstance(value, float) else value for value in values[:1]]
        return self._random.sample(values, min(self._profile.alike, len(values)))

    def _blocks(self) -> list[int | None]:
        """The group of each row; None: by chance."""
        rows = max(self._profile.rows, self._hints.rows + 3 if self._profile.rows > 3 else 0)
        if not self._profile.sizes or not self._hints.sizes:
            return [None] * min(rows, _MOST)
        sizes = [size + step for size in self._hints.sizes for step in (0, 1, -1)]
        blocks = [block for block, size in enumerate(sizes) for _ in range(size)]
        return [*blocks, *range(len(sizes), len(sizes) + max(2, self._hints.rows))][:_MOST]

    def _kind(self) -> str:
        chance = self._random.random()
        if chance < self._profile.good:
            return _GOOD
        return _NEAR if chance < self._profile.good + (1 - self._profile.good) * 0.7 else _ANY

    def _row(self, kind: str, block: int | None, before: Sequence[Row]) -> Row | None:
        failing = self._random.choice(self._asked) if kind == _NEAR and self._asked else None
        row: Row = {" good": kind == _GOOD}
        for reference in self._references:
            if not self._refer(row, reference, block, before):
                return None
        for column in self._table.columns:
            if column.name.casefold() in row:
                continue
            how = "bad" if column.name == failing else "any" if kind == _ANY else "good"
            value = self._value(column, how, block, len(before))
            if value is None and not column.nullable:
                return None
            row[column.name.casefold()] = value
        self._pair(row)
        key = tuple(row[name.casefold()] for name in self._table.key)
        if key and (key in self._keys or None in key):
            return None
        self._keys.add(key)
        return row

    def _pair(self, row: Row) -> None:
        """Give columns that others determine the values that go with these."""
        for own, other, values in self._partners:
            value, column = row[own.casefold()], self._table.column(other)
            if value not in values and column is not None:
                values[value] = next(_fresh(self._pools[column.name], column, set(values.values())), None)
            row[other.casefold()] = values[value]

    def _refer(self, row: Row, reference: Reference, block: int | None, before: Sequence[Row]) -> bool:
        """Fill the columns of a reference. False: they need a row, and there is none."""
        columns = [self._table.column(name) for name in reference.columns]
        free = [c for c in columns if c is not None and c.name.casefold() not in row]
        optional = all(c.nullable for c in free) and not {c.name for c in free} & set(self._table.key)
        target = self._parent(reference, block, before, row)
        chance = self._profile.null if self._profile.null < 0.2 or not row[" good"] else 0.2
        if target is None or (optional and self._random.random() < chance):
            if not optional and reference.to != self._table.name:
                return not free
            if not optional:  # the first row refers to itself
                return True
            row.update({c.name.casefold(): None for c in free})
            return True
        for name, to in zip(reference.columns, reference.to_columns, strict=True):
            row.setdefault(name.casefold(), target[to.casefold()])
        return True

    def _parent(self, reference: Reference, block: int | None, before: Sequence[Row], row: Row) -> Row | None:
        rows = before if reference.to == self._table.name else self._made.get(reference.to, [])
        rows = [
            candidate
            for candidate in rows
            if all(
                row.get(name.casefold(), candidate[to.casefold()]) == candidate[to.casefold()]
                for name, to in zip(reference.columns, reference.to_columns, strict=True)
            )
        ]
        unique = (
            len(reference.columns) == 1
            and (column := self._table.column(reference.columns[0]))
            and (column.unique or self._table.key == (column.name,))
        )
        if unique:
            taken = self._used[reference.columns[0].casefold()]
            rows = [row for row in rows if row[reference.to_columns[0].casefold()] not in taken]
        if not rows:
            return None
        rows = rows[: max(1, round(len(rows) * _PARENTS))]
        good = [row for row in rows if row[" good"]] or rows
        if block is not None:
            chosen = good[block % len(good)]
        else:
            chosen = self._random.choice(good if self._random.random() < 0.7 else rows)
        if unique:
            self._used[reference.columns[0].casefold()].add(chosen[reference.to_columns[0].casefold()])
        return chosen

    def _value(self, column: Column, how: str, block: int | None, place: int) -> Any:
        pool, name = self._pools[column.name], column.name.casefold()
        unique = column.unique or self._table.key == (column.name,)
        if unique:
            return self._new(column, pool, how)
        grouped = f"{self._table.name}.{column.name}".casefold() in self._hints.grouped
        if block is not None and grouped and (values := pool.any if not pool.asked else list(pool.good)):
            return values[block % len(values)]
        if column.nullable and not (pool.asked and how == "good") and self._random.random() < self._profile.null:
            return None
        if self._profile.alike == 1 and not pool.asked and self._alike[column.name]:
            return self._alike[column.name][0]
        values = [value for value in {"good": pool.good, "bad": pool.bad, "any": pool.any}[how] if _may(value, column)]
        values = values or pool.any
        if not values:
            return None
        if pool.edges and self._random.random() < _EDGES:
            values = [value for value in values if value in pool.edges] or values
        if self._profile.ties and (alike := [value for value in values if value in self._alike[column.name]]):
            return self._random.choice(alike)
        if self._profile.distinct and (not pool.asked or how != "good"):
            fresh = [value for value in values if value not in self._used[name]]
            value = self._random.choice(fresh) if fresh else _other(values, pool, column, place)
            self._used[name].add(value)
            return value
        return self._random.choice(values)

    def _new(self, column: Column, pool: Pool, how: str) -> Any:
        """A value that no other row has."""
        used = self._used[column.name.casefold()]
        values = list(pool.good if how == "good" else pool.any) if pool.asked else []
        if not values and column.family == "integer":
            values = list(range(1, 3 * self._profile.rows + 1))
        values = [value for value in values or pool.any if value not in used and _may(value, column)]
        value = self._random.choice(values) if values else next(_fresh(pool, column, used), None)
        used.add(value)
        return value


def _may(value: Any, column: Column) -> bool:
    return value is not None or column.nullable


def _other(values: Sequence[Any], pool: Pool, column: Column, place: int) -> Any:
    """A value that few rows have."""
    if pool.closed:
        return values[place % len(values)]
    return next((value for number, value in enumerate(_shifted(values[0], column)) if number == place), values[0])


def _fresh(pool: Pool, column: Column, used: Collection[Any]) -> Iterator[Any]:
    """Values that are not used yet."""
    values = [*pool.any, *_shifted(next(iter(pool.any), None), column)]
    yield from (value for value in values if value not in used and fits(column, value))


def _moment(start: Any, days: int) -> datetime:
    """A time so many days after `start`, or before it if it is at the end of time, as 9999-12-31.

    In SQLite, a column of dates may hold anything. What is not in ISO form counts as 2024-01-01.
    """
    try:
        moment = datetime.fromisoformat(str(start))
    except ValueError:
        moment = datetime(2024, 1, 1)
    return moment + timedelta(days=days if moment.year < MAXYEAR - 9 else -days)


def _shifted(start: Any, column: Column) -> Iterator[Any]:
    """Values beyond one."""
    for place in range(1, 1_000):
        if column.family == "integer":
            yield (start or 0) + place
        elif column.family == "number":
            yield (start or 0) + place * 0.25
        elif column.family in ("date", "timestamp"):
            moment = _moment(start, place)
            yield moment.date().isoformat() if column.family == "date" else moment.isoformat(sep=" ")
        elif is_free_text(column):
            yield f"{start or 'k'}{place}"
        else:
            return
