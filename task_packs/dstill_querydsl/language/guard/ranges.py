"""Computes the width of ranges in a body, as far as possible without its documents.

In: the ranges that every hit matches, or the bounds of a histogram. Out: seconds, or the difference of two numbers:

    Ranges.of({"query": {"range": {"t": {"gte": "now-1d"}}}}).bounds    -> {"t": ("now-1d", None)}
    Dates(assumed=366 * 86400.0).for_bounds("now-1d", None)              -> 86400.0
    Dates(assumed=366 * 86400.0).for_bounds(1704067200, None)           -> None: the unit of the number is unclear

A range that cannot be read is never assumed to be short: its width is unknown, or infinite if it adds buckets.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from dstill.api.values import Values
from dstill_querydsl.language.dates import seconds
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.guard.walk import number

__all__ = ["Bounds", "Dates", "Numbers", "Ranges", "Widths", "values_of"]

_NOW = 1_700_000_000.0  # any time: only the difference between two bounds relative to it counts
_MILLIS = 1e8  # seconds; a bare number below this may not be in milliseconds, but in seconds, or a year
_YEAR = 31_536_000
_YEARS = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)
_GROWTH = 2  # an index may grow until its values span this many times the known range
_TYPE_RANGES = {"byte": (-128, 127), "short": (-32_768, 32_767), "half_float": (-65_504, 65_504)}
_ENDS = ("gt", "gte", "lt", "lte")
# Engines that count the gaps of a histogram before they fill them, and answer 400 to more than MAX_BUCKETS.
_COUNT_GAPS = ("elasticsearch8", "elasticsearch9")
# Formats whose dates `dates.seconds` reads like the engine.
_READ = re.compile(r"(strict_)?(date(_\w+)?|year(_month(_day)?)?)|epoch_millis|[yu]{4}(-MM(-dd.*)?)?", re.ASCII)


class Widths(Protocol):
    """Computes the width of ranges, of dates (in seconds) or of numbers."""

    def for_bounds(self, low: Any, high: Any, form: Any = None) -> float | None:
        """The width of a range that no bucket exceeds; None if a bound is open or cannot be read."""

    def extended(self, low: Any, high: Any, form: Any = None) -> float:
        """The width of a range that a histogram fills with empty buckets."""

    def for_values(self, low: Any, high: Any, missing: Any, *, grows: bool = True) -> float | None:
        """The width of a field's known values, `missing` included; doubled if the index may have grown since."""


Bounds: TypeAlias = Mapping[str, tuple[Any, Any]]  # field → lowest and highest value


@dataclass(frozen=True)
class Ranges:
    """The known ranges of fields."""

    bounds: Bounds  # from each ``range`` query that every hit matches
    values: Bounds = dataclasses.field(default_factory=dict)  # from the values in the index
    live: Bounds = dataclasses.field(default_factory=dict)  # as `values`, read just before the body runs
    gaps_stop: bool = False  # whether the engine counts the gaps of a histogram before it fills them

    @classmethod
    def of(
        cls, body: dict[str, Any], values: Bounds | None = None, dialect: str = "", live: Bounds | None = None
    ) -> Ranges:
        """The ranges in the query of `body`, and those of the index' values."""
        bounds: dict[str, tuple[Any, Any]] = {}
        _collect(body.get("query"), bounds)
        return cls(bounds, values or {}, live or {}, dialect in _COUNT_GAPS)

    def for_all_documents(self) -> Ranges:
        """The ranges below a ``global`` aggregation, which ignores the query."""
        return replace(self, bounds={})


def values_of(fields: Iterable[Field], known: Values) -> dict[str, tuple[Any, Any]]:
    """The range of each field with known values or with a type of limited range."""
    ranges: dict[str, tuple[Any, Any]] = {}
    for field in fields:
        values = known.get(field.name)
        if values is not None and values.low is not None and values.high is not None:
            ranges[field.name] = (values.low, values.high)
        elif values is not None and values.complete and field.family == "number":
            numbers = [value for value in values.values if isinstance(value, (int, float))]
            ranges |= {field.name: (min(numbers), max(numbers))} if numbers else {}
        elif field.type in _TYPE_RANGES:
            ranges[field.name] = _TYPE_RANGES[field.type]
    return ranges


def _collect(query: Any, bounds: dict[str, tuple[Any, Any]]) -> None:
    """Collect the ranges that every hit matches: at the top, in must and filter, not in should or must_not."""
    if isinstance(query, list):
        for item in query:
            _collect(item, bounds)
    elif isinstance(query, dict):
        for name, options in query.items():
            if name == "range" and isinstance(options, dict):
                for field, limits in options.items():
                    if isinstance(limits, dict) and _is_readable(limits.get("format"), *map(limits.get, _ENDS)):
                        _tighten(field, limits, bounds)
            elif name in ("bool", "constant_score") and isinstance(options, dict):
                for clause in ("must", "filter"):
                    _collect(options.get(clause), bounds)


def _tighten(field: str, limits: dict[str, Any], bounds: dict[str, tuple[Any, Any]]) -> None:
    low, high = bounds.get(field, (None, None))
    bounds[field] = (limits.get("gte", limits.get("gt", low)), limits.get("lte", limits.get("lt", high)))


@dataclass(frozen=True)
class Dates:
    """Widths in seconds. A range with one bound relative to now counts as at least `assumed` seconds."""

    assumed: float

    def for_bounds(self, low: Any, high: Any, form: Any = None) -> float | None:
        if not _is_readable(form, low, high):
            return None
        start, end = _moment(low), _moment("now" if high is None else high)
        if start is None or end is None:
            return None
        width = max(0.0, end - start)
        return width if _moves(low) == (high is None or _moves(high)) else max(width, self.assumed)

    def extended(self, low: Any, high: Any, form: Any = None) -> float:
        if low is None:
            return 0.0 if high is None else self.assumed + self.extended("now", high, form)
        span = self.for_bounds(low, high, form)
        return _by_years(low, high) if span is None else span

    def for_values(self, low: Any, high: Any, missing: Any, *, grows: bool = True) -> float | None:
        start, end = _moment(low), _moment(high)
        if start is None or end is None:
            return None
        other = start if missing is None else _moment(missing)
        if other is None and isinstance(missing, str) and (year := _YEARS.search(missing)):
            other = _moment(f"{year[0]}-01-01")  # a date in an unknown format
        if other is None:
            return math.inf
        width = max(end, other) - min(start, other)
        return max(_GROWTH * (end - start), width, self.assumed) if grows else width


def _by_years(low: Any, high: Any) -> float:
    """The width of dates in an unknown format, in whole years if both contain a year; else infinite."""
    years = [_YEARS.search(end) if isinstance(end, str) else None for end in (low, high)]
    first, last = (year and int(year[0]) for year in years)
    return math.inf if first is None or last is None else max(0, last - first + 1) * float(_YEAR)


def _is_readable(form: Any, *bounds: Any) -> bool:
    """Whether `dates.seconds` reads these bounds like the engine. Date math from now needs no format."""
    if form is None or all(end is None or _moves(end) for end in bounds):
        return True
    return isinstance(form, str) and all(_READ.fullmatch(part) for part in form.split("||"))


def _moves(bound: Any) -> bool:
    return isinstance(bound, str) and bound.startswith("now")


def _moment(bound: Any) -> float | None:
    time = seconds(bound, _NOW)
    bare = isinstance(bound, (int, float)) or (isinstance(bound, str) and bound.isdigit() and len(bound) != 4)
    return None if bare and time is not None and abs(time) < _MILLIS else time


def _point(bound: Any) -> float | None:
    """A number, or the milliseconds since 1970 in which a ``histogram`` counts a date; None: it is neither."""
    point = number(bound)
    if point is None and isinstance(bound, str) and (moment := _moment(bound)) is not None:
        return 1000 * moment
    return point


@dataclass(frozen=True)
class Numbers:
    """Differences of numbers, or of dates in milliseconds."""

    def for_bounds(self, low: Any, high: Any, form: Any = None) -> float | None:
        start, end = number(low), number(high)
        return None if start is None or end is None else max(0.0, end - start)

    def extended(self, low: Any, high: Any, form: Any = None) -> float:
        span = self.for_bounds(0 if low is None else low, 0 if high is None else high)
        return math.inf if span is None else span

    def for_values(self, low: Any, high: Any, missing: Any, *, grows: bool = True) -> float | None:
        start, end = _point(low), _point(high)
        if start is None or end is None:
            return None
        other = start if missing is None else _point(missing)
        if other is None:
            return math.inf
        width = max(end, other) - min(start, other)
        return max(_GROWTH * (end - start), width) if grows else width
