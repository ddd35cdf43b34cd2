"""Reads known values of the columns of a live database, at a bounded cost.

    read_values(source, catalog, limits)      Read(values=Values(…), unread={"trips.note": "no values"}, newest=…)

A text or boolean column with at most `MOST` different values gets all of them, the most frequent first; one with more
gets the most frequent ones as examples. Numbers and dates get their range, and examples if there are few of them. Of a
large table only a sample is looked at, and then no list counts as complete. Reading stops after `Budget.seconds`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from dstill.api.values import MOST, Known, Values
from dstill.errors import ServiceError
from dstill_sql.engines.catalogs import Catalog
from dstill_sql.engines.embedded import TOO_LONG
from dstill_sql.language.database.schema import Column, Table
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import Statement
from dstill_sql.language.printing import about
from dstill_sql.language.results.compare import cell

__all__ = ["Budget", "Read", "Source", "read_values"]

EXAMPLES = 20  # values of a column with many
LONGEST = 80  # characters of a value
# Templates of queries: {} stands for a name or a number, the first {} of _COUNTED and _EDGES for _FIRST_ROWS or _SHARE.
_FIRST_ROWS = "SELECT {} AS v FROM {} LIMIT {}"
_SHARE = "SELECT {} AS v FROM {} TABLESAMPLE SYSTEM ({}) REPEATABLE (0) LIMIT {}"
_COUNTS = "SELECT v, COUNT(*) AS n FROM ({}) AS s WHERE v IS NOT NULL GROUP BY v ORDER BY n DESC, v LIMIT {{}}"
_EDGES = "SELECT MIN(v), MAX(v) FROM ({}) AS s"
_SIZE = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM {} LIMIT {}) AS s"
_RANGES = ("integer", "number", "date", "timestamp")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A live database. `ask` gives the rows of a query; it raises ServiceError."""

    label: str
    name: str  # of the database
    dialect: Dialect
    ask: Callable[[Statement], Sequence[Sequence[Any]]]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The limits of reading values."""

    seconds: float = 60.0  # in all
    rows: int = 100_000  # of a table that are looked at
    columns: int = 2_000


@dataclass(frozen=True, kw_only=True)
class Read:
    """The values that were read."""

    values: Values
    unread: Mapping[str, str] = field(default_factory=dict)  # table.column → why it has no values
    newest: datetime | None = None  # of the dates that are not in the future


def read_values(source: Source, catalog: Catalog, budget: Budget) -> Read:
    """The known values of every column."""
    until = time.monotonic() + budget.seconds
    known: dict[str, Known] = {}
    unread: dict[str, str] = {}
    newest: list[datetime] = []
    for table in catalog.schema.tables:
        for column in table.columns:
            name = f"{table.name}.{column.name}"
            if time.monotonic() > until:
                unread[name] = "no time left"
            elif len(known) >= budget.columns:
                unread[name] = f"more than {budget.columns:,} columns"
            else:
                try:
                    result = _Column(source, table, column, catalog.rows.get(table.name), budget).known()
                except ServiceError as error:
                    unread[name] = TOO_LONG if "statement timeout" in error.what else error.what
                    continue
                if isinstance(result, str):
                    unread[name] = result
                else:
                    known[name] = result
                    newest += _past(result.high) if column.family in ("date", "timestamp") else ()
    return Read(values=Values(known), unread=unread, newest=max(newest, default=None))


@dataclass(frozen=True)
class _Column:
    source: Source
    table: Table
    column: Column
    rows: int | None  # of the table, about
    budget: Budget

    def known(self) -> Known | str:
        """The known values; a text: why there are none."""
        family = self.column.family
        if family in ("other", "time"):
            return f"type {self.column.type}"
        if family in _RANGES:
            return self._range()
        return self._list()

    def _list(self) -> Known | str:
        counted = self._counted(MOST + 1)
        values = [value for value, _ in counted if len(str(value)) <= LONGEST and str(value).isprintable()]
        if not counted:
            return "no values"
        if len(counted) <= MOST and len(values) == len(counted) and not self._is_sampled():
            return Known(values=tuple(values), complete=True)
        return Known(values=tuple(values[:EXAMPLES])) if values else "long texts, or with control characters"

    def _range(self) -> Known | str:
        low, high = self._edges()
        if low is None or high is None or isinstance(low, str) != isinstance(high, str):
            return "no values" if low is None else "values of several types"
        few = [] if self.column.unique else self._counted(MOST + 1)
        examples = tuple(value for value, _ in few[:EXAMPLES]) if len(few) <= MOST else ()
        return Known(values=examples, low=low, high=high)

    def _counted(self, most: int) -> list[tuple[Any, int]]:
        """The most frequent values, with their counts."""
        template, values = self._sample()
        rows = self.source.ask(about(_COUNTS.format(template), self.source.dialect, *values, most))
        return [(cell(value), int(n)) for value, n in rows]

    def _edges(self) -> tuple[Any, Any]:
        template, values = self._sample()
        ((low, high),) = self.source.ask(about(_EDGES.format(template), self.source.dialect, *values))
        return _bound(low), _bound(high)

    def _sample(self) -> tuple[str, list[str | float]]:
        """The values that are looked at: the template of a query with one column, ``v``, and its names and numbers."""
        names: list[str | float] = [self.column.name, self.table.name]
        if self.source.dialect == "postgres" and self.rows and self.rows > self.budget.rows:
            return _SHARE, [*names, 100 * self.budget.rows / self.rows, self.budget.rows]
        return _FIRST_ROWS, [*names, self.budget.rows]

    def _is_sampled(self) -> bool:
        ((rows,),) = self.source.ask(about(_SIZE, self.source.dialect, self.table.name, self.budget.rows + 1))
        return int(rows) > self.budget.rows


def _bound(value: Any) -> Any:
    """An end of a range as a values file has it."""
    plain = cell(value)
    return plain if isinstance(plain, (int, float, str)) and str(plain).isprintable() else None


def _past(text: Any) -> Iterator[datetime]:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at <= datetime.now(UTC) or at.date() == date.today():
        yield at
