"""The guard for an index of the user, with the mapping from the engine.

A row of a dataset may bring its own mapping and values. They are not trusted here: a mapping without an alias would
open a denied field, and a narrow range of values would let a histogram fill any gap. The project's own values
(`task.querydsl.values`) are trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from dstill.api.records import Problem
from dstill.api.values import Values
from dstill_querydsl import guard
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.guard.mapping import limits_on
from dstill_querydsl.guard.ranges import Bounds, values_of
from dstill_querydsl.language.fields import Fields

__all__ = ["LiveGuard"]


@dataclass(frozen=True)
class LiveGuard:
    """The guard's limits and the known ranges of one index."""

    limits: guard.Limits
    ranges: Bounds

    @classmethod
    def of(cls, mapping: Mapping[str, Any], described: Index | None, limits: guard.Limits) -> Self:
        """`mapping` comes from the engine; `described` is the index in the project's files, if any."""
        limits = limits_on(mapping, limits)
        values = (described.values if described is not None else Values()).only(limits.allows)
        return cls(limits, values_of(Fields.of(mapping), values))

    def errors(self, body: dict[str, Any]) -> tuple[Problem, ...]:
        """The guard's errors for `body`."""
        return tuple(problem for problem in guard.check(body, self.limits, self.ranges) if problem.is_error)
