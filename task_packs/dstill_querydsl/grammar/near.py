"""How fine a histogram may be, where no more is known than the mapping and what fields hold.

The guard counts a histogram's buckets over the values that a field is known to hold. A grammar cannot
subtract two dates, so that a body with a histogram is of a kind of its own: its dates lie near what the index
holds, its numbers have no more digits than the index' own, and its steps are such that all of it is within limits.

    near = Near(study.values, study.ranges)
    near.days("@timestamp")         a token's text: the days of December 2024 to April 2025
    near.hours("@timestamp")        1: the finest step, in hours
    near.least_days("@timestamp")   1: the finest step, in days, that makes few hundred buckets
    near.least_step(took)           20: the smallest interval that makes at most 1,000 buckets of numbers of 4 digits
    near.knows(took)                True: its range is known, so that the guard lets gaps be filled
"""

from __future__ import annotations

import calendar
import math
from datetime import date

from dstill_querydsl.grammar.bounds import DIGITS
from dstill_querydsl.grammar.notation import alt, lit
from dstill_querydsl.guard.ranges import Bounds, Dates, Numbers
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.values import Values

__all__ = ["BUCKETS", "DAYS_OF_MATH", "Near"]

BUCKETS = 10_000  # of one body: the guard's default
DAYS_OF_MATH = 99  # how far date math leads from a day that is written
_ASSUMED = 366  # days that the guard takes where no range is known
_MOST_MONTHS = 14
_UNKNOWN_DIGITS = 6
_DAY = 86400.0
_ENGINES = 60_000  # buckets that engines make at most, a little below
_OF_NUMBERS = 1_000  # buckets of a histogram of numbers
_OF_DATES = 650  # of a date histogram


class Near:
    def __init__(self, values: Values, ranges: Bounds) -> None:
        """`ranges`: as the guard knows them (`values_of`)."""
        self._values, self._ranges = values, ranges

    def days(self, name: str) -> str:
        """The days that may be written; nothing where the index' own are not known, or are too many."""
        months = self._months(name)
        return alt(*(_days(year, month) for year, month in months)) if 0 < len(months) <= _MOST_MONTHS else ""

    def hours(self, name: str) -> int:
        """The finest step of a date histogram; 24 where hours may be too many."""
        held = self._held(name)
        if held is None or (held[1] - held[0]).days * 24 > _ENGINES:
            return 24
        widest = max(self._taken(name), self._widest(name))
        return next((step for step in (1, 2, 3, 4, 6, 8, 12) if widest * 24 / step + 1 <= BUCKETS), 24)

    def least_days(self, name: str, most: int = _OF_DATES) -> int:
        """The finest step, in days, of a date histogram with at most so many buckets."""
        return max(1, math.ceil(self._taken(name) / (most - 1)))

    def _taken(self, name: str) -> float:
        """Days for which the guard takes a field."""
        held = self._ranges.get(name)
        return (Dates(_ASSUMED * _DAY).of_values(*held, None) or 0.0) / _DAY if held else _ASSUMED

    def _widest(self, name: str) -> int:
        months = self._months(name)
        return (31 * len(months) if len(months) <= _MOST_MONTHS else 0) + 2 * DAYS_OF_MATH

    def _held(self, name: str) -> tuple[date, date] | None:
        known = self._values.get(name)
        try:
            low, high = (date.fromisoformat(str(end)[:10]) for end in ((known.low, known.high) if known else ("", "")))
        except ValueError:
            return None
        return low, high

    def _months(self, name: str) -> list[tuple[int, int]]:
        """From the month before the first day to the month after the last; another field's where none is known."""
        return _around(self._held(name)) or next((m for one in self._values if (m := _around(self._held(one)))), [])

    # --- numbers ------------------------------------------------------------------------

    def digits(self, field: Field) -> int:
        """Before the point, of the index' own numbers."""
        known = self._values.get(field.name)
        ends = [end for end in (known.low, known.high) if isinstance(end, (int, float))] if known else []
        digits = max((len(str(int(abs(end)))) for end in ends), default=_UNKNOWN_DIGITS)
        return min(digits, DIGITS.get(field.type, 9))

    def least_step(self, field: Field) -> int:
        """Of a histogram: from the lowest number of so many digits to the highest there are twice as many."""
        widest: int = 2 * 10 ** self.digits(field)
        held = self._ranges.get(field.name)
        taken = Numbers().of_values(*held, None) if held else None
        return max(1, math.ceil((widest if taken is None else taken) / (_OF_NUMBERS - 1)))

    def knows(self, field: Field) -> bool:
        return field.name in self._ranges


def _around(held: tuple[date, date] | None) -> list[tuple[int, int]]:
    if held is None:
        return []
    first, last = (day.year * 12 + day.month - 1 for day in held)
    return [divmod(month, 12) for month in range(first - 1, last + 2)]


def _days(year: int, month: int) -> str:
    last = calendar.monthrange(year, month + 1)[1]
    rest = f'"3" [0-{last - 30}]' if last >= 30 else ""
    twenties = "[12] [0-9]" if last >= 29 else '"1" [0-9] | "2" [0-8]'
    return f"{lit(f'{year}-{month + 1:02d}-')} ({alt(chr(34) + '0' + chr(34) + ' [1-9]', twenties, rest)})"
