"""How fine histograms may be, and which dates and numbers bodies with histograms may use.

The guard counts the buckets of a histogram over the known values of its field. A grammar cannot subtract two dates, so
bodies with histograms have separate rules: their dates are near those in the index, their numbers have no more digits
than those in the index, and their steps are coarse enough for the guard's limits.

    data_range = DataRange(profile.values, profile.ranges)
    data_range.days("@timestamp")         an expression: the days of December 2024 to April 2025
    data_range.hours("@timestamp")        1: the finest step in hours
    data_range.least_days("@timestamp")   1: the finest step in days that makes at most a few hundred buckets
    data_range.least_step(took)           20: the smallest interval with at most 1,000 buckets for numbers of 4 digits
    data_range.knows(took)                True: its range is known, so the guard allows empty buckets
"""

from __future__ import annotations

import calendar
import math
from datetime import date

from dstill.api.values import Values
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar.bounds import DIGITS
from dstill_querydsl.language.grammar.notation import alt, lit
from dstill_querydsl.language.guard.ranges import Bounds, Dates, Numbers

__all__ = ["BUCKETS", "DAYS_OF_MATH", "DataRange"]

BUCKETS = 10_000  # in one body: the guard's default
DAYS_OF_MATH = 99  # the most days that date math moves a date
_ASSUMED = 366  # days that the guard assumes for an unknown range
_MOST_MONTHS = 14
_UNKNOWN_DIGITS = 6
_DAY = 86400.0  # seconds
_ENGINES = 60_000  # a little below the engines' limit on buckets
_NUMBER_BUCKETS = 1_000  # most buckets of a histogram
_DATE_BUCKETS = 650  # most buckets of a date histogram


class DataRange:
    """The ranges of an index' fields, and the steps of histograms over them."""

    def __init__(self, values: Values, ranges: Bounds) -> None:
        """`ranges`: from `guard.ranges.values_of`."""
        self._values, self._ranges = values, ranges

    def days(self, name: str) -> str:
        """An expression for the days that bodies may use; empty if the range is unknown or too long."""
        months = self._months(name)
        return alt(*(_days(year, month) for year, month in months)) if 0 < len(months) <= _MOST_MONTHS else ""

    def hours(self, name: str) -> int:
        """The finest step of a date histogram in hours; 24 if steps of hours may make too many buckets."""
        known = self._known_days(name)
        if known is None or (known[1] - known[0]).days * 24 > _ENGINES:
            return 24
        widest = max(self._width(name), self._widest(name))
        return next((step for step in (1, 2, 3, 4, 6, 8, 12) if widest * 24 / step + 1 <= BUCKETS), 24)

    def least_days(self, name: str, most: int = _DATE_BUCKETS) -> int:
        """The finest step of a date histogram in days, with at most `most` buckets."""
        return max(1, math.ceil(self._width(name) / (most - 1)))

    def _width(self, name: str) -> float:
        """The width of a field in days, as the guard computes it."""
        bounds = self._ranges.get(name)
        return (Dates(_ASSUMED * _DAY).for_values(*bounds, None) or 0.0) / _DAY if bounds else _ASSUMED

    def _widest(self, name: str) -> int:
        """The most days between two dates that a body may use."""
        months = self._months(name)
        return (31 * len(months) if len(months) <= _MOST_MONTHS else 0) + 2 * DAYS_OF_MATH

    def _known_days(self, name: str) -> tuple[date, date] | None:
        """The first and last day of a field, or None if unknown."""
        known = self._values.get(name)
        try:
            low, high = (date.fromisoformat(str(end)[:10]) for end in ((known.low, known.high) if known else ("", "")))
        except ValueError:
            return None
        return low, high

    def _months(self, name: str) -> list[tuple[int, int]]:
        """The months from the one before the first day to the one after the last, else those of another field."""
        fields = (name, *self._values)
        return next((months for field in fields if (months := _around(self._known_days(field)))), [])

    # --- numbers ------------------------------------------------------------------------

    def digits(self, field: Field) -> int:
        """The most digits before the decimal point of the numbers in the index."""
        known = self._values.get(field.name)
        ends = [end for end in (known.low, known.high) if isinstance(end, (int, float))] if known else []
        digits = max((len(str(int(abs(end)))) for end in ends), default=_UNKNOWN_DIGITS)
        return min(digits, DIGITS.get(field.type, 9))

    def least_step(self, field: Field) -> int:
        """The smallest interval of a histogram. An unknown range is as wide as negative and positive numbers can be."""
        widest: int = 2 * 10 ** self.digits(field)
        bounds = self._ranges.get(field.name)
        width = Numbers().for_values(*bounds, None) if bounds else None
        return max(1, math.ceil((widest if width is None else width) / (_NUMBER_BUCKETS - 1)))

    def knows(self, field: Field) -> bool:
        """Whether the range of the field is known."""
        return field.name in self._ranges


def _around(days: tuple[date, date] | None) -> list[tuple[int, int]]:
    """The months around two days, as (year, month from 0)."""
    if days is None:
        return []
    first, last = (day.year * 12 + day.month - 1 for day in days)
    return [divmod(month, 12) for month in range(first - 1, last + 2)]


def _days(year: int, month: int) -> str:
    last = calendar.monthrange(year, month + 1)[1]
    rest = f'"3" [0-{last - 30}]' if last >= 30 else ""
    twenties = "[12] [0-9]" if last >= 29 else '"1" [0-9] | "2" [0-8]'
    return f"{lit(f'{year}-{month + 1:02d}-')} ({alt(chr(34) + '0' + chr(34) + ' [1-9]', twenties, rest)})"
