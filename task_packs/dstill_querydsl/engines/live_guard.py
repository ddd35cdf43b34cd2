"""The guard for an index of the user's, by the mapping that the engine gives.

A row of a dataset may bring a mapping and values of its own. They are not believed here: a mapping that leaves out an
alias would open a denied field, and narrow values would let a histogram fill any gap. What the project itself says of
the index (`task.querydsl.values`) counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Self

from dstill.api.records import Problem
from dstill_querydsl import guard
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.guard.mapping import limits_on
from dstill_querydsl.guard.ranges import Bounds, values_of
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.values import Values

__all__ = ["LiveGuard"]


@dataclass(frozen=True)
class LiveGuard:
    limits: guard.Limits
    ranges: Bounds

    @classmethod
    def of(cls, mapping: Mapping[str, Any], described: Index | None, limits: guard.Limits) -> Self:
        """`mapping`: the engine's; `described`: what the project says of the index, if anything."""
        limits = limits_on(mapping, limits)
        values = (described.values if described is not None else Values()).only(limits.allows)
        return cls(limits, values_of(Fields.of(mapping), values))

    def errors(self, body: dict[str, Any]) -> tuple[Problem, ...]:
        return tuple(problem for problem in guard.check(body, self.limits, self.ranges) if problem.is_error)
