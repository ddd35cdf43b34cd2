"""The properties of a gold that its result proves."""

from __future__ import annotations

from typing import Any

from dstill.api.protocols import ResultProperties
from dstill.api.records import Example
from dstill_querydsl.language.results import accepting, compare

__all__ = ["QueryResults"]


class QueryResults(ResultProperties):
    """Properties of hits and aggregations."""

    reference_decides = True  # whether the fields of hits count

    def accepts(self, got: Any, want: Any, example: Example) -> bool | None:
        return accepting.accepts(got, want, example.question)

    def is_empty(self, value: Any) -> bool:
        return compare.is_empty(value)

    def is_trivial(self, value: Any, example: Example) -> bool:
        return compare.is_trivial(value, value["documents"])

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        return compare.is_nondeterministic(value)
