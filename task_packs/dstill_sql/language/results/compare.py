"""Results of queries, and when two are the same.

    {"columns": ["name", "n"], "rows": [["Ann", 3], ["Bob", 2]], "keys": [[3], [2]], "pool": [], …}

A result is a bag of rows: their order counts only where the query says ORDER BY. Then ``keys`` has what each row was
sorted by, so rows that tie may come in any order, and ``ordered`` is true. ``pool`` has the rows that tie with the last
one but were cut off by LIMIT, and ``before`` those that tie with the first one but were skipped by OFFSET: the engine
might have returned any of them instead. Without ORDER BY, ``keys`` is None, and ``pool`` has all rows beside the page.

Names and order of columns do not count: a question does not say them. Duplicates do, and so does their number. Values
are equal

- as numbers, whether integers, decimals, fractions, booleans or texts that are integers (``'2019'``, not ``'007'``),
  fractions within 1e-10 of their size: so much may differ if the engine adds up in another order;
- as times, a date at midnight of that day, with or without a fraction of a second that is zero;
- NULL with NULL alone.

An answer with more rows than the reference is wrong, with one exception: where the reference sorts and its LIMIT cuts
through rows that tie, the answer with all of these is as good.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain, groupby, pairwise
from typing import Any

__all__ = ["cell", "is_empty", "is_nondeterministic", "is_result", "is_trivial", "plain_rows", "same", "tied"]

Row = tuple[Hashable, ...]
_RELATIVE, _ABSOLUTE = 1e-10, 1e-9  # numbers with a fraction that are nearer to each other are equal
_EXACT = 2**53  # a float may hold each integer below it
_LARGEST = 10**300  # as a float
_WORK = 4_000_000  # rows that are looked at to pair columns
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|\+00(?::?00)?)?)?")
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")


# --- values -----------------------------------------------------------------------------


def cell(value: Any) -> Any:
    """A value of an engine as JSON has it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (Decimal, float)):
        return _number(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(sep=" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()!r} s"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _number(value: Decimal | float) -> Any:
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):  # math refuses Decimal("sNaN")
        return str(value)
    if isinstance(value, float):
        return value
    return int(value) if value == value.to_integral_value() and abs(value) < _EXACT else _number(float(value))


def tied(row: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two sort keys are equal."""
    return all(
        a == b or ((isinstance(a, float) or isinstance(b, float)) and _are_near(a, b))
        for a, b in zip(map(_plain, row), map(_plain, other), strict=True)
    )


def _are_near(hashable: Hashable, other: Hashable) -> bool:
    numbers = isinstance(hashable, (int, float)) and isinstance(other, (int, float))
    return numbers and math.isclose(hashable, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)  # type: ignore[arg-type]


def _plain(value: Any) -> Hashable:
    """One value for all that are equal, but fractions as they are."""
    if isinstance(value, (bool, int)):
        return int(value) if abs(value) < _LARGEST else str(value)
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) >= _LARGEST:
            return str(value)
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, str):
        return _text(value)
    return value if value is None else str(value)


def _text(value: str) -> Hashable:
    if not value or value[0] not in "-0123456789" or len(value) > 40:
        return value
    if _INTEGER.fullmatch(value):
        return int(value)
    if (match := _TIME.fullmatch(value)) is None:
        return value
    day, minute, second, fraction = (part or "" for part in match.groups())
    clock = f"{minute or '00:00'}:{second or '00'}.{fraction.rstrip('0')}".rstrip(".")
    return day if clock == "00:00:00" else f"{day} {clock}"


class _Numbers:
    """One number for all that are nearly equal to each other in the rows of a comparison."""

    def __init__(self, rows: Iterable[Row]) -> None:
        numbers = {value for row in rows for value in row if isinstance(value, (int, float))}
        self._as: dict[Hashable, Hashable] = {}
        if any(isinstance(number, float) for number in numbers):
            for low, high in pairwise(sorted(numbers)):
                if (isinstance(low, float) or isinstance(high, float)) and _are_near(low, high):
                    self._as[high] = self._as.get(low, low)

    def of(self, rows: Sequence[Row]) -> list[Row]:
        if not self._as:
            return list(rows)
        return [tuple(self._as.get(value, value) for value in row) for row in rows]


# --- results ----------------------------------------------------------------------------


def same(got: Any, want: Any) -> bool:
    """Whether `got` is the result that `want` is."""
    if not is_result(got) or not is_result(want):
        return False
    width, keys = len(want["columns"]), want["keys"]
    if len(got["columns"]) != width:
        return False
    parts = [
        plain_rows(got["rows"]),
        plain_rows(want["rows"]),
        plain_rows(want["pool"]),
        plain_rows(want.get("before", ())),
    ]
    numbers = _Numbers(chain.from_iterable(parts))
    theirs, ours, after, before = (numbers.of(part) for part in parts)
    sorted_by = None if keys is None else _Numbers(plain_rows(keys)).of(plain_rows(keys))
    all_that_tie = sorted_by is not None and not before and len(theirs) == len(ours) + len(after)
    if len(theirs) != len(ours) and not all_that_tie:
        return False
    if sorted_by is not None and len(set(sorted_by)) > 1 and not got.get("ordered", got["keys"] is not None):
        return False  # an order that the engine does not promise
    if all_that_tie:
        ours, sorted_by, after = [*ours, *after], [*(sorted_by or ()), *(sorted_by or [()])[-1:] * len(after)], []
    free = [*after, *before]
    return any(
        _fits([tuple(row[place] for place in order) for row in theirs], ours, sorted_by, after, before)
        for order in _assignments(theirs, ours, free, width)
    )


def is_result(value: Any) -> bool:
    """Whether a value has the form of a result."""
    if not isinstance(value, Mapping) or not {"columns", "rows", "keys", "pool"} <= set(value):
        return False
    if not isinstance(value["columns"], Sequence):
        return False
    width = len(value["columns"])
    tables = (value["rows"], value["pool"], value.get("before", ()))
    if not all(isinstance(rows, Sequence) for rows in tables):
        return False
    if not all(isinstance(row, Sequence) and len(row) == width for rows in tables for row in rows):
        return False
    keys = value["keys"]
    return keys is None or (
        isinstance(keys, Sequence)
        and len(keys) == len(value["rows"])
        and all(isinstance(key, Sequence) for key in keys)
    )


def plain_rows(rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows with one value for all that are equal, but fractions as they are."""
    return [tuple(map(_plain, row)) for row in rows]


def _fits(
    got: Sequence[Row], want: Sequence[Row], keys: Sequence[Row] | None, after: Sequence[Row], before: Sequence[Row]
) -> bool:
    if keys is None:
        # Without an order, LIMIT may take any rows: those that it left out are in the pool.
        return not Counter(got) - Counter([*want, *after, *before])
    start = 0
    for _, group in groupby(keys):
        end = start + sum(1 for _ in group)
        there = [*want[start:end], *(after if end == len(want) else ()), *(before if start == 0 else ())]
        if Counter(got[start:end]) - Counter(there):  # as many rows as the group has, so nothing is missing either
            return False
        start = end
    return True


def _assignments(got: Sequence[Row], want: Sequence[Row], free: Sequence[Row], width: int) -> Iterator[tuple[int, ...]]:
    """Ways to order the columns of `got` so that its rows may be those of `want`; the given order first.

    Each column that is added must leave rows that are there, so few wrong ways go far. Ends after `_WORK`.
    """
    yield tuple(range(width))
    work = 0
    theirs = [Counter(row[place] for row in got) for place in range(width)]
    ours = [Counter(row[place] for row in chain(want, free)) for place in range(width)]
    may = [[not theirs[column] - ours[place] for column in range(width)] for place in range(width)]

    def possible(order: tuple[int, ...]) -> bool:
        nonlocal work
        work += len(got) + len(want) + len(free)
        prefixes = Counter(tuple(row[place] for place in order) for row in got)
        return not prefixes - Counter(row[: len(order)] for row in chain(want, free))

    def orders(order: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        place = len(order)
        if place == width:
            yield order
            return
        for column in sorted(range(width), key=lambda other: other != place):
            longer = (*order, column)
            if column not in order and may[place][column] and work <= _WORK and possible(longer):
                yield from orders(longer)

    yield from (order for order in orders(()) if order != tuple(range(width)))


# --- what a result shows ----------------------------------------------------------------


def is_empty(value: Any) -> bool:
    """Whether a result has no row, or only one of NULLs and zeros."""
    rows = value["rows"]
    return not rows or (len(rows) == 1 and all(cell in (None, 0) for cell in rows[0]))


def is_trivial(value: Any) -> bool:
    """Whether an equal result proves nothing."""
    return is_empty(value)


def is_nondeterministic(value: Any) -> bool:
    """Whether LIMIT or OFFSET cuts through rows that tie and are not alike."""
    beside = [*value["pool"], *value.get("before", ())]
    return bool(beside) and len(set(plain_rows([*beside, *value["rows"][-1:], *value["rows"][:1]]))) > 1
