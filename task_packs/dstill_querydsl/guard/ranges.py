"""How far the bounds of a body reach, where that can be told without its documents.

In: the ranges that every hit fulfils, or the bounds of a histogram. Out: seconds, or the difference of two numbers:

    Ranges.of({"query": {"range": {"t": {"gte": "now-1d"}}}}).bounds    -> {"t": ("now-1d", None)}
    Dates(assumed=366 * 86400.0).known("now-1d", None)                  -> 86400.0
    Dates(assumed=366 * 86400.0).known(1704067200, None)                -> None: seconds, or a number of anything

What cannot be read is never taken for short: of a range it is not known, of bounds that add buckets it is endless.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any, Iterable, Mapping, Protocol, TypeAlias

from dstill_querydsl.guard.walk import number
from dstill_querydsl.language.dates import seconds
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.values import Values

__all__ = ["Bounds", "Dates", "Numbers", "Ranges", "Reach", "values_of"]

_NOW = 1_700_000_000.0  # any moment: between two bounds that both move with it only the difference counts
_MILLIS = 1e8  # a bare number below, in seconds, may be seconds already, or a year
_YEAR = 31_536_000
_YEARS = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)
_GROWTH = 2  # an index may come to hold values this many times as far apart as those that were seen
_OF_TYPE = {"byte": (-128, 127), "short": (-32_768, 32_767), "half_float": (-65_504, 65_504)}
_ENDS = ("gt", "gte", "lt", "lte")
# Formats whose dates `dates.seconds` reads as the engine does.
_READ = re.compile(r"(strict_)?(date(_\w+)?|year(_month(_day)?)?)|epoch_millis|[yu]{4}(-MM(-dd.*)?)?", re.ASCII)


class Reach(Protocol):
    """How wide bounds are, of dates or of numbers."""

    def known(self, low: Any, high: Any, form: Any = None) -> float | None:
        """The width between bounds beyond which no bucket lies; None where one of them is open or not read."""

    def added(self, low: Any, high: Any, form: Any = None) -> float:
        """The width of bounds up to which a histogram is filled with empty buckets."""

    def held(self, low: Any, high: Any, missing: Any) -> float | None:
        """The width of a field's known values, with room to grow, and of what stands for a missing one."""


Bounds: TypeAlias = Mapping[str, tuple[Any, Any]]  # lowest and highest, by field


@dataclass(frozen=True)
class Ranges:
    """What is known of each field's range."""

    bounds: Bounds  # from every ``range`` query that must hold
    values: Bounds = field(default_factory=dict)  # what the index' documents hold

    @classmethod
    def of(cls, body: dict[str, Any], values: Bounds | None = None) -> Ranges:
        bounds: dict[str, tuple[Any, Any]] = {}
        _collect(body.get("query"), bounds)
        return cls(bounds, values or {})

    def of_all_documents(self) -> Ranges:
        """Below a ``global`` aggregation, where the query has no say."""
        return replace(self, bounds={})


def values_of(fields: Iterable[Field], known: Values) -> dict[str, tuple[Any, Any]]:
    """The range of each field whose values are known, or whose type has few."""
    found: dict[str, tuple[Any, Any]] = {}
    for one in fields:
        held = known.get(one.name)
        if held is not None and held.low is not None and held.high is not None:
            found[one.name] = (held.low, held.high)
        elif held is not None and held.complete and one.family == "number":
            numbers = [value for value in held.values if isinstance(value, (int, float))]
            found |= {one.name: (min(numbers), max(numbers))} if numbers else {}
        elif one.type in _OF_TYPE:
            found[one.name] = _OF_TYPE[one.type]
    return found


def _collect(query: Any, bounds: dict[str, tuple[Any, Any]]) -> None:
    """Ranges that every hit fulfils: at the top, in must and filter, not in should or must_not."""
    if isinstance(query, list):
        for item in query:
            _collect(item, bounds)
    elif isinstance(query, dict):
        for name, options in query.items():
            if name == "range" and isinstance(options, dict):
                for field, limits in options.items():
                    if isinstance(limits, dict) and _is_read(limits.get("format"), *map(limits.get, _ENDS)):
                        _tighten(field, limits, bounds)
            elif name in ("bool", "constant_score") and isinstance(options, dict):
                for clause in ("must", "filter"):
                    _collect(options.get(clause), bounds)


def _tighten(field: str, limits: dict[str, Any], bounds: dict[str, tuple[Any, Any]]) -> None:
    low, high = bounds.get(field, (None, None))
    bounds[field] = (limits.get("gte", limits.get("gt", low)), limits.get("lte", limits.get("lt", high)))


@dataclass(frozen=True)
class Dates:
    """Widths in seconds; `assumed` is what an end that is open or moves with the clock stands for at least."""

    assumed: float

    def known(self, low: Any, high: Any, form: Any = None) -> float | None:
        if not _is_read(form, low, high):
            return None
        start, end = _moment(low), _moment("now" if high is None else high)
        if start is None or end is None:
            return None
        width = max(0.0, end - start)
        return width if _moves(low) == (high is None or _moves(high)) else max(width, self.assumed)

    def added(self, low: Any, high: Any, form: Any = None) -> float:
        if low is None:
            return 0.0 if high is None else self.assumed + self.added("now", high, form)
        found = self.known(low, high, form)
        return _by_years(low, high) if found is None else found

    def held(self, low: Any, high: Any, missing: Any) -> float | None:
        start, end = _moment(low), _moment(high)
        if start is None or end is None:
            return None
        other = start if missing is None else _moment(missing)
        if other is None and isinstance(missing, str) and (year := _YEARS.search(missing)):
            other = _moment(f"{year[0]}-01-01")  # in a format that is not read here
        if other is None:
            return math.inf
        return max(_GROWTH * (end - start), max(end, other) - min(start, other), self.assumed)


def _by_years(low: Any, high: Any) -> float:
    """Of dates in any other form: whole years, if both have one."""
    years = [_YEARS.search(end) if isinstance(end, str) else None for end in (low, high)]
    first, last = (year and int(year[0]) for year in years)
    return math.inf if first is None or last is None else max(0, last - first + 1) * float(_YEAR)


def _is_read(form: Any, *bounds: Any) -> bool:
    """Whether dates in a format are read here as the engine reads them; date math from now has none."""
    if form is None or all(end is None or _moves(end) for end in bounds):
        return True
    return isinstance(form, str) and all(_READ.fullmatch(part) for part in form.split("||"))


def _moves(bound: Any) -> bool:
    return isinstance(bound, str) and bound.startswith("now")


def _moment(bound: Any) -> float | None:
    found = seconds(bound, _NOW)
    bare = isinstance(bound, (int, float)) or (isinstance(bound, str) and bound.isdigit() and len(bound) != 4)
    return None if bare and found is not None and abs(found) < _MILLIS else found


@dataclass(frozen=True)
class Numbers:
    """Differences of numbers."""

    def known(self, low: Any, high: Any, form: Any = None) -> float | None:
        start, end = number(low), number(high)
        return None if start is None or end is None else max(0.0, end - start)

    def added(self, low: Any, high: Any, form: Any = None) -> float:
        found = self.known(0 if low is None else low, 0 if high is None else high)
        return math.inf if found is None else found

    def held(self, low: Any, high: Any, missing: Any) -> float | None:
        start, end = number(low), number(high)
        if start is None or end is None:
            return None
        other = start if missing is None else number(missing)
        return math.inf if other is None else max(_GROWTH * (end - start), max(end, other) - min(start, other))
