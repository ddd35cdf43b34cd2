"""Results of queries, and when two are the same.

    {"columns": ["name", "n"], "rows": [["Ann", 3], ["Bob", 2]], "keys": [[3], [2]], "pool": []}

A result is a bag of rows: their order counts only where the query says ORDER BY. Then ``keys`` has what each row was
sorted by, so rows that tie may come in any order; and ``pool`` has the rows that tie with the last one but were cut off
by LIMIT, any of which the engine might have returned instead. Else ``keys`` is None.

Names and order of columns do not count: a question does not say them. Numbers are equal within 1e-6 of their size,
whether integer or not; NULL equals NULL alone; a date equals midnight of that day. Duplicates count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

__all__ = ["cell", "is_empty", "is_nondeterministic", "is_trivial", "same"]

Rows = Sequence[Sequence[Any]]
_DIGITS = 6  # significant ones, of numbers with a fraction
_ASSIGNMENTS = 1_000  # ways to pair columns that are tried


def cell(value: Any) -> Any:
    """A value of an engine as JSON has it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def same(got: Any, want: Any) -> bool:
    """Whether `got` is the result that `want` is."""
    if not isinstance(got, dict) or not isinstance(want, dict):
        return False
    width = len(want["columns"])
    if len(got["columns"]) != width or len(got["rows"]) != len(want["rows"]):
        return False
    theirs, ours = _folded(got["rows"]), _folded(want["rows"])
    pool = _folded(want["pool"])
    return any(
        _fits([tuple(row[place] for place in order) for row in theirs], ours, want["keys"], pool)
        for order in _assignments(theirs, [*ours, *pool], width, exact=not pool)
    )


def _fits(
    got: Sequence[tuple[Hashable, ...]],
    want: Sequence[tuple[Hashable, ...]],
    keys: Sequence[Sequence[Any]] | None,
    pool: Sequence[tuple[Hashable, ...]],
) -> bool:
    if keys is None:
        # Without an order, LIMIT may take any rows: those that it left out are in the pool.
        return Counter(got) == Counter(want) if not pool else not Counter(got) - Counter([*want, *pool])
    start = 0
    for _, group in groupby(keys):
        end = start + len(list(group))
        there = Counter(want[start:end])
        if end == len(want) and pool:
            there += Counter(pool)
            if Counter(got[start:end]) - there:
                return False
        elif Counter(got[start:end]) != there:
            return False
        start = end
    return True


def _assignments(
    got: Sequence[tuple[Hashable, ...]], want: Sequence[tuple[Hashable, ...]], width: int, *, exact: bool
) -> Iterator[tuple[int, ...]]:
    """Ways to order the columns of `got` so that each may have the values of `want`'s; the given order first."""
    columns = [Counter(row[place] for row in got) for place in range(width)]
    wanted = [Counter(row[place] for row in want) for place in range(width)]
    fits: Callable[[int, int], bool] = (
        (lambda a, b: columns[a] == wanted[b]) if exact else (lambda a, b: not columns[a] - wanted[b])
    )

    def found(order: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        place = len(order)
        if place == width:
            yield order
            return
        for column in sorted(range(width), key=lambda one: one != place):
            if column not in order and fits(column, place):
                yield from found((*order, column))

    for tried, order in enumerate(found(())):
        if tried == _ASSIGNMENTS:
            return
        yield order


def _folded(rows: Rows) -> list[tuple[Hashable, ...]]:
    """Rows with one value for all that are equal."""
    return [tuple(_fold(value) for value in row) for row in rows]


def _fold(value: Any) -> Hashable:
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer() and abs(value) < 2**53):
        return int(value)
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}e}")
    if isinstance(value, str) and value.endswith((" 00:00:00", "T00:00:00")):
        return value[:-9]
    return value if isinstance(value, (int, str)) or value is None else str(value)


def is_empty(value: Any) -> bool:
    """Whether a result has no row, or only one of NULLs and zeros."""
    rows = value["rows"]
    return not rows or (len(rows) == 1 and all(cell in (None, 0) for cell in rows[0]))


def is_trivial(value: Any) -> bool:
    """Whether an equal result proves nothing."""
    return is_empty(value)


def is_nondeterministic(value: Any) -> bool:
    """Whether LIMIT cuts through rows that tie."""
    return bool(value["pool"])
