"""The guard for an index of the user, with the mapping from the engine.

A row of a dataset may bring its own mapping and values. They are not trusted here: a mapping without an alias would
open a denied field, and a narrow range of values would let a histogram fill any gap. The project's own values
(`task.querydsl.values`) are trusted. A range that they do not have is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from dstill.api.records import Problem
from dstill.api.rows import reads_all
from dstill.api.values import Values
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines.embedded import LoadedIndex
from dstill_querydsl.engines.reading import bounds
from dstill_querydsl.language import guard
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.language.guard.ranges import Bounds, values_of

__all__ = ["LiveGuard"]


@dataclass(frozen=True)
class LiveGuard:
    """The guard's limits and the known ranges of one index."""

    limits: guard.Limits
    ranges: Bounds
    dialect: str  # of the engine
    fields: Fields
    ask: Callable[..., Bounds]  # asks the engine for the ranges of fields, among the documents of a query

    @classmethod
    def of(cls, place: LoadedIndex, described: Index | None, limits: guard.Limits) -> Self:
        """`place` has its mapping from the engine; `described` is the index in the project's files, if any."""
        limits, fields = limits_on(place.mapping, limits), Fields.of(place.mapping)
        is_known = described is not None and reads_all(limits.rows, place.name)  # else a count would tell the range
        values = described.values.only(limits.allows) if described is not None and is_known else Values()
        ask = partial(bounds, place.engine, place.name)
        return cls(limits, values_of(fields, values), place.engine.capabilities.dialect, fields, ask)

    def errors(self, body: dict[str, Any], rows: Mapping[str, Any] | None = None) -> tuple[Problem, ...]:
        """The guard's errors for `body`. `rows`: the query of what it may read. Raises ServiceError, AuthError."""
        problems = guard.check(body, self.limits, self.ranges, self.dialect, self._live_bounds(body, rows))
        return tuple(problem for problem in problems if problem.is_error)

    def _live_bounds(self, body: dict[str, Any], rows: Mapping[str, Any] | None) -> Bounds:
        """The ranges of fields whose gaps a histogram fills, from the engine, so that they are not doubled."""
        unknown = sorted({gap.field for gap in guard.unknown_ranges(body, self.limits, self.ranges)})
        readable = [
            field for field in map(self.fields.get, unknown) if field is not None and self.limits.allows(field.name)
        ]
        return self.ask(readable, rows) if readable else {}
