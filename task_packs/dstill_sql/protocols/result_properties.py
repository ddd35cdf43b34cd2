"""The properties of a gold's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dstill.api.protocols import ResultProperties
from dstill.api.records import Example
from dstill_sql.language.results import accepting, compare

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlResults"]


class SqlResults(ResultProperties):
    """Properties of rows."""

    task: Sql

    reference_decides = True  # whether an order and ties count

    def accepts(self, got: Any, want: Any, example: Example) -> bool:
        return accepting.accepts(got, want, example.question, example.answer or "", self.task.config.dialect)

    def is_empty(self, value: Any) -> bool:
        return compare.is_empty(value)

    def is_trivial(self, value: Any, example: Example) -> bool:
        return compare.is_trivial(value)

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        return compare.is_nondeterministic(value)
