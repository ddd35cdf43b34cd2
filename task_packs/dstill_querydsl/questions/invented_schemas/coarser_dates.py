"""Months and years instead of days.

    coarser("before", ["3 March 2024"], "year", '…"lt":"2024-03-03"…')     (["2025"], '…"lt":"2025-01-01"…')

The answer changes with the words, and what matched before a day or after it still matches.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dstill.linked.words import words

__all__ = ["coarser", "kind_of"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def kind_of(text: str) -> str:
    """Whether it is a day, a month or a year."""
    if re.fullmatch(r"\d{4}", text):
        return "year"
    return "month" if re.fullmatch(r"\d{4}-\d\d|[A-Z][a-z]+ \d{4}", text) else "day"


@dataclass(frozen=True)
class _Span:
    """One month or year."""

    year: int
    month: int  # 0: the whole year

    @classmethod
    def around(cls, iso: str, unit: str) -> _Span:
        return cls(int(iso[:4]), int(iso[5:7]) if unit == "month" else 0)

    @property
    def first(self) -> str:
        return f"{self.year:04d}-{self.month or 1:02d}-01"

    @property
    def spoken(self) -> str:
        return f"{_MONTHS[self.month - 1]} {self.year}" if self.month else str(self.year)

    def after(self) -> _Span:
        if not self.month:
            return _Span(self.year + 1, 0)
        later = date(self.year, self.month, 28) + timedelta(days=4)
        return _Span(later.year, later.month)

    def before(self) -> _Span:
        if not self.month:
            return _Span(self.year - 1, 0)
        earlier = date(self.year, self.month, 1) - timedelta(days=1)
        return _Span(earlier.year, earlier.month)


def coarser(key: str, days: Sequence[str], unit: str, answer: str) -> tuple[list[str], str]:
    """The months or years to say, and the answer with their bounds. Nothing to say: it cannot be changed."""
    read = [words(day) for day in days]
    if any(len(parts) != 1 or parts[0].kind != "date" for parts in read):
        return [], answer
    texts, changed = [], answer
    for at, [word] in enumerate(read):
        old, new, spoken = _bound("until" if key == "span" and at else key, word.value, unit)
        if changed.count(old) != 1:
            return [], answer
        changed = changed.replace(old, new)
        texts.append(spoken)
    return (texts, changed) if len(set(texts)) == len(texts) else ([], answer)


def _bound(key: str, iso: str, unit: str) -> tuple[str, str, str]:
    """A bound of the answer, the one that replaces it, and the words for that."""
    span, letter = _Span.around(iso, unit), "M" if unit == "month" else "y"
    if key == "until":
        return f'"lt":"{iso}||+1d"', f'"lt":"{span.first}||+1{letter}"', span.spoken
    if key == "before":
        span = span.after()
        return f'"lt":"{iso}"', f'"lt":"{span.first}"', span.spoken
    if key == "after":
        span = span.before()
        return f'"gte":"{iso}||+1d"', f'"gte":"{span.first}||+1{letter}"', span.spoken
    return f'"gte":"{iso}"', f'"gte":"{span.first}"', span.spoken
