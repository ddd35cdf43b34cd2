"""The terms that a rationale names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill.api.protocols import RationaleTerms
from dstill_sql.language.results.clauses import terms

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlTerms"]


class SqlTerms(RationaleTerms):
    """Names of tables and columns."""

    task: Sql

    def answer_terms(self, answer: str) -> Iterable[str]:
        return terms(answer, self.task.config.dialect)
